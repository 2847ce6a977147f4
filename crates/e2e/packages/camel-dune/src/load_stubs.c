#include <caml/alloc.h>
#include <caml/mlvalues.h>

#if defined(__aarch64__)
#define MACHINE "aarch64"
#elif defined(__x86_64__)
#define MACHINE "x86_64"
#else
#define MACHINE "unknown"
#endif

value camel_pounds(value kilograms) { return Val_long(Long_val(kilograms) * 220462 / 100000); }

value camel_machine(value unit) { (void)unit; return caml_copy_string(MACHINE); }
