#include "config.h"
#include "desert.h"

const char *crossed(void) { return CROSS; }
