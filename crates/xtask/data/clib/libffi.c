/* Calls a function through its description, and makes one that is called. */
#include <ffi.h>
#include <stdio.h>

static double add(int a, double b, long long c) { return a + b + (double)c; }

static void square(ffi_cif *cif, void *result, void **arguments, void *extra) {
  (void)cif;
  *(ffi_arg *)result = (ffi_arg)(*(int *)arguments[0] * *(int *)arguments[0] * *(int *)extra);
}

int main(void) {
  ffi_cif cif, closure_cif;
  ffi_type *types[] = {&ffi_type_sint, &ffi_type_double, &ffi_type_sint64};
  int a = 30, one = 1;
  double b = 2.5, sum = 0;
  long long c = 10;
  void *values[] = {&a, &b, &c};
  if (ffi_prep_cif(&cif, FFI_DEFAULT_ABI, 3, &ffi_type_double, types) != FFI_OK) return 1;
  ffi_call(&cif, FFI_FN(add), &sum, values);
  void *code;
  ffi_closure *closure = ffi_closure_alloc(sizeof *closure, &code);
  if (!closure || ffi_prep_cif(&closure_cif, FFI_DEFAULT_ABI, 1, &ffi_type_sint, types) != FFI_OK) return 2;
  if (ffi_prep_closure_loc(closure, &closure_cif, square, &one, code) != FFI_OK) return 3;
  printf("call %.1f, closure %d\n", sum, ((int (*)(int))code)(7));
  ffi_closure_free(closure);
  return 0;
}
