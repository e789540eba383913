/* The runtime's device interface: what a machine that runs programs offers.
 * The ISA simulator is one device behind it. */
#ifndef WAVE_RUNTIME_DEVICE_H
#define WAVE_RUNTIME_DEVICE_H

#include <stdbool.h>

#include <wave/object.h>

#include "support/diag.h"

struct device;

struct device_ops {
	/* Moves bytes between the host and DRAM. */
	bool (*write)(struct device *dev, uint64_t address, const void *data,
	    size_t size);
	bool (*read)(struct device *dev, uint64_t address, void *data,
	    size_t size);
	/* Runs one entry to its end. False after a diagnostic. */
	bool (*run)(struct device *dev, const char *entry, struct diag *d);
	void (*close)(struct device *dev);
};

struct device {
	const struct device_ops *ops;
};

#endif
