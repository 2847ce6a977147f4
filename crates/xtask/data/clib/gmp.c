/* 3^211 * 7^118, a number of 201 digits; a power modulo it; a square root; and a factorial's digit sum. */
#include <gmp.h>
#include <stdio.h>

int main(void) {
  mpz_t a, b, product, power, root, factorial;
  mpz_inits(a, b, product, power, root, factorial, NULL);
  mpz_ui_pow_ui(a, 3, 211);
  mpz_ui_pow_ui(b, 7, 118);
  mpz_mul(product, a, b);
  gmp_printf("%Zd\n", product);
  mpz_powm_sec(power, a, b, product);
  gmp_printf("%Zd\n", power);
  mpz_sqrt(root, product);
  gmp_printf("%Zd\n", root);
  mpz_fac_ui(factorial, 3000);
  unsigned long sum = 0;
  while (mpz_sgn(factorial) != 0) sum += mpz_tdiv_q_ui(factorial, factorial, 10);
  printf("%lu\n", sum);
  return 0;
}
