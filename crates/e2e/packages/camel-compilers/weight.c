#include "weight.h"

long heavier(long load) { return load + load / 2; }
