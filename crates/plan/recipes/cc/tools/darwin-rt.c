/* What clang calls on arm64 and libSystem has for x86_64 alone: the quotient of complex numbers (C11, annex G.5.1), and the product
   of two 128-bit numbers with a word on whether it is one. The rest of the compiler's run-time library is in libSystem. */

static double logb_of(double x) { return __builtin_logb(x); }
static double larger(double x, double y) { return __builtin_fmax(__builtin_fabs(x), __builtin_fabs(y)); }
/* An infinity becomes 1, all else 0, with the sign that it had. */
static double boxed(double x) { return __builtin_copysign(__builtin_isinf(x) ? 1 : 0, x); }

double _Complex __divdc3(double a, double b, double c, double d) {
  const double infinity = __builtin_inf();
  int scale = 0;
  double exponent = logb_of(larger(c, d));
  if (__builtin_isfinite(exponent)) {
    scale = -(int)exponent;
    c = __builtin_scalbn(c, scale);
    d = __builtin_scalbn(d, scale);
  }
  double norm = c * c + d * d;
  double real = __builtin_scalbn((a * c + b * d) / norm, scale);
  double imaginary = __builtin_scalbn((b * c - a * d) / norm, scale);
  if (__builtin_isnan(real) && __builtin_isnan(imaginary)) {
    if (norm == 0 && (!__builtin_isnan(a) || !__builtin_isnan(b))) {
      real = __builtin_copysign(infinity, c) * a;
      imaginary = __builtin_copysign(infinity, c) * b;
    } else if ((__builtin_isinf(a) || __builtin_isinf(b)) && __builtin_isfinite(c) && __builtin_isfinite(d)) {
      a = boxed(a), b = boxed(b);
      real = infinity * (a * c + b * d);
      imaginary = infinity * (b * c - a * d);
    } else if (__builtin_isinf(exponent) && exponent > 0 && __builtin_isfinite(a) && __builtin_isfinite(b)) {
      c = boxed(c), d = boxed(d);
      real = 0 * (a * c + b * d);
      imaginary = 0 * (b * c - a * d);
    }
  }
  return __builtin_complex(real, imaginary);
}

/* A double holds all that a float's quotient needs. */
float _Complex __divsc3(float a, float b, float c, float d) {
  double _Complex quotient = __divdc3(a, b, c, d);
  return __builtin_complex((float)__real__ quotient, (float)__imag__ quotient);
}

/* Compared by quotients, for the compiler makes a call of this function of its own way to ask. */
__int128 __muloti4(__int128 a, __int128 b, int *overflow) {
  const unsigned __int128 top = (unsigned __int128)1 << 127;
  unsigned __int128 sizes[] = { a < 0 ? -(unsigned __int128)a : (unsigned __int128)a, b < 0 ? -(unsigned __int128)b : (unsigned __int128)b };
  unsigned __int128 limit = (a < 0) == (b < 0) ? top - 1 : top;
  *overflow = sizes[0] != 0 && sizes[1] > limit / sizes[0];
  return (__int128)((unsigned __int128)a * (unsigned __int128)b);
}
