/* Calls OCaml: a function registered with Callback.register, with arguments and results of several kinds. */
#include <stdio.h>
#include <string.h>

#include <caml/alloc.h>
#include <caml/callback.h>
#include <caml/memory.h>
#include <caml/mlvalues.h>

#ifdef _WIN32
typedef wchar_t letter;
#define MAIN wmain
#else
typedef char letter;
#define MAIN main
#endif

static double distance(const char *from, const char *to)
{
  CAMLparam0();
  CAMLlocal3(one, other, result);
  one = caml_copy_string(from);
  other = caml_copy_string(to);
  result = caml_callback2_exn(*caml_named_value("distance"), one, other);
  if (Is_exception_result(result)) CAMLreturnT(double, -1.0);
  CAMLreturnT(double, Double_val(result));
}

int MAIN(int argc, letter **argv)
{
  (void) argc;
  caml_startup(argv);
  printf("samarkand - bukhara: %.1f km\n", distance("samarkand", "bukhara"));
  printf("samarkand - atlantis: %.1f\n", distance("samarkand", "atlantis"));
  value total = caml_callback(*caml_named_value("sum"), Val_int(1000));
  printf("sum in %d domains: %ld\n", 4, Long_val(total));
  return 0;
}
