#include <caml/alloc.h>
#include <caml/mlvalues.h>

value cpu(value unit)
{
#if defined(__aarch64__)
  return caml_copy_string("aarch64");
#else
  return caml_copy_string("another");
#endif
}
