/* All arithmetic and all conversions of long double, of which some are calls to the run-time support: which differs by CPU. */
#include <complex.h>
#include <stdio.h>

static volatile long double three = 3, big = 1e300L;
static volatile long most = 0x7fffffffL;
static volatile unsigned long long all = -1ULL;
static volatile int minus = -5;

/* 1/3 with more digits than a double has, where long double does */
static int precise(void) {
  long double third = 1 / three, rest = 1 - third * three;
  return rest < 1e-15L && rest > -1e-15L && (third * 3 - 1) * 8 < 1e-14L;
}

static int integers(void) {
  long double l = (long double)all; /* exact with 64 bits or more */
  int exact = sizeof(long double) == sizeof(double) || (unsigned long long)l == all;
#ifdef __SIZEOF_INT128__
  volatile __int128 wide = (__int128)1 << 100;
  volatile unsigned __int128 uwide = (unsigned __int128)1 << 127;
  exact = exact && (__int128)(long double)wide == wide && (unsigned __int128)(long double)uwide == uwide && (__int128)-(long double)wide == -wide;
#endif
  return exact && (long)(long double)most == most && (int)((long double)minus / 2) == -2 && (unsigned)(three + most) == 0x80000002u;
}

static int complexes(void) {
  volatile long double complex z = three + 4 * I;
  long double complex square = z * z, one = z / z;
  return creall(square) == -7 && cimagl(square) == 24 && creall(one) > 0.999L && creall(one) < 1.001L && cimagl(one) < 1e-9L;
}

int main(void) {
  int ok = precise() && integers() && complexes() && big + 1 >= big && three - 3 == 0 && three > 2 && (double)three == 3 && (float)-three == -3;
  ok = ok && __builtin_powil(three, 3) == 27 && __builtin_powil(three, -1) > 0;
  printf("long double %s\n", ok ? "ok" : "wrong");
  return 0;
}
