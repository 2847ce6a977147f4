#include <caml/alloc.h>
#include <caml/mlvalues.h>

value cpu(value unit)
{
#if defined(__aarch64__)
  return caml_copy_string("aarch64");
#elif defined(__x86_64__)
  return caml_copy_string("x86_64");
#else
  return caml_copy_string("another");
#endif
}
