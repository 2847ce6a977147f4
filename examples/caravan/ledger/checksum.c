#include <caml/mlvalues.h>
#include <stdint.h>

/* Adler-32: the same on machines of either byte order. */
value ledger_checksum(value text)
{
  uint32_t a = 1, b = 0;
  for (mlsize_t i = 0; i < caml_string_length(text); i++) {
    a = (a + Byte_u(text, i)) % 65521;
    b = (b + a) % 65521;
  }
  return Val_long((b << 16) | a);
}
