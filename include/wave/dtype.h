/* Element types of tensors, shared by every level and by the object file. */
#ifndef WAVE_DTYPE_H
#define WAVE_DTYPE_H

enum dtype { /* the numbers are stored in object files: append only */
	DT_NONE = 0,
	DT_F32 = 1,
	DT_F16 = 2,
	DT_BF16 = 3,
	DT_F64 = 4,
	DT_I8 = 5,
	DT_U8 = 6,
	DT_I16 = 7,
	DT_U16 = 8,
	DT_I32 = 9,
	DT_U32 = 10,
	DT_I64 = 11,
	DT_U64 = 12,
	DT_BOOL = 13
};
#define DT_COUNT 14

#endif
