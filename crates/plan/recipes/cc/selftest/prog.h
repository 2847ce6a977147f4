#define EXPONENT 3.0
