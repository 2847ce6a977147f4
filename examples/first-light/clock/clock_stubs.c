#include <stdint.h>
#include <time.h>

#include <caml/alloc.h>
#include <caml/memory.h>
#include <caml/mlvalues.h>

#if defined(__aarch64__)
#define CPU "aarch64"
#elif defined(__x86_64__)
#define CPU "x86_64"
#elif defined(__riscv) && __riscv_xlen == 64
#define CPU "riscv64"
#elif defined(__powerpc64__)
#define CPU "powerpc64le"
#elif defined(__s390x__)
#define CPU "s390x"
#elif defined(__arm__)
#define CPU "armv7"
#elif defined(__i386__)
#define CPU "x86"
#else
#define CPU "unknown"
#endif

value clock_machine(value unit)
{
  CAMLparam1(unit);
  CAMLlocal2(machine, cpu);
  const uint16_t one = 1;
  cpu = caml_copy_string(CPU);
  machine = caml_alloc_tuple(3);
  Store_field(machine, 0, Val_int(8 * sizeof(void *)));
  Store_field(machine, 1, Val_bool(*(const unsigned char *)&one == 0));
  Store_field(machine, 2, cpu);
  CAMLreturn(machine);
}

value clock_checksum(value text, value seed)
{
  CAMLparam2(text, seed);
  uint32_t hash = (uint32_t)Int32_val(seed);
  for (mlsize_t i = 0; i < caml_string_length(text); i++)
    hash = (hash ^ Byte_u(text, i)) * 16777619u;
  CAMLreturn(caml_copy_int32((int32_t)hash));
}

int64_t clock_monotonic_native(value unit)
{
  struct timespec now;
  (void)unit;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

value clock_monotonic_byte(value unit)
{
  return caml_copy_int64(clock_monotonic_native(unit));
}
