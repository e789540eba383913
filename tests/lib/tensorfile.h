/* Tensors in files: NumPy's .npy and ONNX's .pb. */
#ifndef WAVE_TESTS_LIB_TENSORFILE_H
#define WAVE_TESTS_LIB_TENSORFILE_H

#include "support/npy.h"

/* Reads a file that ends in .pb as a TensorProto, any other as .npy. False
 * after a diagnostic. */
bool tensor_read(struct arena *a, struct diag *d, const char *path,
    struct npy *out);

/* name with / and : turned to _, as in the names of in_NAME.npy files. */
char *tensor_file_name(struct arena *a, const char *name);

/* The distance of two arrays of the same shape. */
struct tensor_distance {
	double largest; /* |want| */
	double max;     /* |got - want|; infinite where one is not a number */
	double l2;      /* relative, Euclidean: |got - want| / |want| */
};

/* False with the reason in why when the shapes differ. */
bool tensor_compare(const struct npy *got, const struct npy *want,
    struct tensor_distance *out, char why[128]);

#endif
