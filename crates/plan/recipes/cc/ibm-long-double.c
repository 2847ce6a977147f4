/* What clang calls to calculate with PowerPC's `long double`, a sum of two doubles, of which the first is the sum rounded
 * to a double. zig's compiler_rt has these functions for the other format (IEEE's binary128) only. musl does without: there
 * `long double` is `double`.
 *
 * The names are libgcc's; which of them are needed was read off what clang calls for all arithmetic and all conversions.
 * Errors are below 2^-103 of the result. Signs of zero, infinities and NaN come from the first doubles, as in libgcc.
 */
typedef struct { double hi, lo; } pair;
typedef __int128 i128;
typedef unsigned __int128 u128;
typedef _Complex long double complex;

static pair split(long double value) {
  union { long double whole; pair parts; } u = {value};
  return u.parts;
}

static long double join(pair value) {
  union { pair parts; long double whole; } u = {value};
  return u.whole;
}

static long double single(double value) { return join((pair){value, 0}); }

/* hi + lo, where |lo| is the smaller one; a zero that is added must not change the sign of zero */
static pair normal(double hi, double lo) {
  if (lo == 0) return (pair){hi, 0};
  double sum = hi + lo;
  return (pair){sum, hi - sum + lo};
}

/* the sum and its exact rounding error (Knuth's TwoSum) */
static pair two_sum(double a, double b) {
  double sum = a + b, other = sum - a;
  return (pair){sum, (a - (sum - other)) + (b - other)};
}

static long double sum(pair x, pair y) {
  pair high = two_sum(x.hi, y.hi), low = two_sum(x.lo, y.lo);
  pair first = normal(high.hi, high.lo + low.hi);
  return join(normal(first.hi, first.lo + low.lo));
}

static pair scaled(pair x, double by) { return (pair){x.hi * by, x.lo * by}; }

long double __gcc_qadd(long double left, long double right) {
  pair x = split(left), y = split(right);
  double heads = x.hi + y.hi;
  if (__builtin_fabs(heads) < 0x1p1023) return heads == 0 && x.lo + y.lo == 0 ? single(heads) : sum(x, y);
  if (heads != heads || __builtin_isinf(x.hi) || __builtin_isinf(y.hi)) return single(heads);
  /* a step on the way may overflow where the sum does not */
  pair eighth = split(sum(scaled(x, 0x1p-3), scaled(y, 0x1p-3)));
  pair result = scaled(eighth, 0x1p3);
  return __builtin_isinf(result.hi) ? single(result.hi) : join(result);
}

long double __gcc_qsub(long double left, long double right) { return __gcc_qadd(left, -right); }

long double __gcc_qmul(long double left, long double right) {
  pair x = split(left), y = split(right);
  double product = x.hi * y.hi;
  if (product == 0 || !__builtin_isfinite(product)) return single(product);
  double error = __builtin_fma(x.hi, y.hi, -product);
  return join(normal(product, error + (x.hi * y.lo + x.lo * y.hi)));
}

long double __gcc_qdiv(long double left, long double right) {
  pair x = split(left), y = split(right);
  double quotient = x.hi / y.hi;
  if (quotient == 0 || !__builtin_isfinite(quotient)) return single(quotient);
  double rest = __builtin_fma(-quotient, y.hi, x.hi);
  rest = rest + x.lo - quotient * y.lo;
  return join(normal(quotient, rest / y.hi));
}

/* Integers: two exact halves, added. */

long double __floatditf(long value) {
  return join(two_sum((double)(value >> 32) * 0x1p32, (double)(unsigned)value));
}

static pair from_u64(unsigned long value) { return two_sum((double)(value >> 32) * 0x1p32, (double)(unsigned)value); }

long double __floatunditf(unsigned long value) { return join(from_u64(value)); }

long double __floattitf(i128 value) {
  pair high = scaled(split(__floatditf((long)(value >> 64))), 0x1p64);
  return sum(high, from_u64((unsigned long)value));
}

long double __floatuntitf(u128 value) {
  pair high = scaled(from_u64((unsigned long)(value >> 64)), 0x1p64);
  return sum(high, from_u64((unsigned long)value));
}

/* Towards zero: if the first double is no integer, the second cannot reach one; if it is, the second is rounded towards the
 * first one's other side. What does not fit is undefined, as in C. */

static double whole_rest(pair x) {
  if (__builtin_trunc(x.hi) != x.hi) return 0;
  return x.hi < 0 ? __builtin_ceil(x.lo) : __builtin_floor(x.lo);
}

static unsigned long to_u64(double value) {
  /* 2^64 itself occurs: as the first double of what is below it */
  return value < 0x1p63 ? (unsigned long)(long)value : (unsigned long)(value - 0x1p63) + (1UL << 63);
}

long __fixtfdi(long double value) {
  pair x = split(value);
  double rest = whole_rest(x);
  return x.hi < 0 ? -(long)(to_u64(-x.hi) + (unsigned long)(long)-rest) : (long)(to_u64(x.hi) + (unsigned long)(long)rest);
}

unsigned long __fixunstfdi(long double value) {
  pair x = split(value);
  return to_u64(x.hi) + (unsigned long)(long)whole_rest(x);
}

/* Of a double that is an integer: its 53 bits, shifted. Below 2^129: 2^128 itself is 0, as it should be. */
static u128 magnitude(double value) {
  union { double value; unsigned long bits; } u = {value};
  int shift = (int)(u.bits >> 52 & 2047) - 1075;
  unsigned long digits = (u.bits & ((1UL << 52) - 1)) | 1UL << 52;
  if (shift >= 128 || shift <= -53) return 0;
  return shift >= 0 ? (u128)digits << shift : digits >> -shift;
}

static u128 whole(double value) { return value < 0 ? -magnitude(-value) : magnitude(value); }

u128 __fixunstfti(long double value) {
  pair x = split(value);
  return whole(x.hi) + whole(whole_rest(x));
}

i128 __fixtfti(long double value) { return (i128)__fixunstfti(value); }

long double __powitf2(long double base, int exponent) {
  unsigned left = exponent < 0 ? -(unsigned)exponent : (unsigned)exponent;
  long double power = 1;
  for (; left != 0; base *= base, left >>= 1)
    if (left & 1) power *= base;
  return exponent < 0 ? 1 / power : power;
}

/* Complex numbers, with C's annex G: a product or quotient with an infinity in it is one, not NaN. */

static int infinite(long double re, long double im) { return __builtin_isinf(split(re).hi) || __builtin_isinf(split(im).hi); }
static int is_nan(long double value) { return value != value; }
static long double boxed(long double part) { return __builtin_copysign(__builtin_isinf(split(part).hi) ? 1.0 : 0.0, split(part).hi); }
static long double no_nan(long double part) { return is_nan(part) ? __builtin_copysign(0.0, split(part).hi) : part; }

complex __multc3(long double a, long double b, long double c, long double d) {
  long double re = a * c - b * d, im = a * d + b * c;
  if (!is_nan(re) || !is_nan(im)) return __builtin_complex(re, im);
  int again = infinite(a * c, b * d) || infinite(a * d, b * c); /* from overflow */
  if (infinite(a, b)) a = boxed(a), b = boxed(b), c = no_nan(c), d = no_nan(d), again = 1;
  if (infinite(c, d)) c = boxed(c), d = boxed(d), a = no_nan(a), b = no_nan(b), again = 1;
  if (!again) return __builtin_complex(re, im);
  a = no_nan(a), b = no_nan(b), c = no_nan(c), d = no_nan(d);
  long double inf = __builtin_inf();
  return __builtin_complex(inf * (a * c - b * d), inf * (a * d + b * c));
}

/* A power of 2 that brings |value| between 1/4 and 1/2, or as near as a double can; 1 for zero, infinities and NaN. */
static double unscale(double value) {
  union { unsigned long bits; double value; } u = {0};
  u.value = value;
  long exponent = (long)(u.bits >> 52 & 2047);
  if (value == 0 || exponent == 2047) return 1;
  exponent = 2044 - exponent;
  u.bits = (unsigned long)(exponent < 1 ? 1 : exponent > 2045 ? 2045 : exponent) << 52;
  return u.value;
}

complex __divtc3(long double a, long double b, long double c, long double d) {
  double c_size = __builtin_fabs(split(c).hi), d_size = __builtin_fabs(split(d).hi);
  double scale = unscale(c_size > d_size ? c_size : d_size);
  /* Both sides are scaled, and first: what overflows or vanishes here does so in the result. */
  long double x = c * scale, y = d * scale, norm = x * x + y * y, u = a * scale, v = b * scale;
  long double re = (u * x + v * y) / norm, im = (v * x - u * y) / norm;
  if (!is_nan(re) || !is_nan(im)) return __builtin_complex(re, im);
  long double inf = __builtin_inf();
  int finite_left = __builtin_isfinite(split(a).hi) && __builtin_isfinite(split(b).hi);
  int finite_right = __builtin_isfinite(c_size) && __builtin_isfinite(d_size);
  if (norm == 0 && !(is_nan(a) && is_nan(b))) {
    inf = __builtin_copysign(__builtin_inf(), split(c).hi);
    return __builtin_complex(inf * a, inf * b);
  }
  if (infinite(a, b) && finite_right) {
    a = boxed(a), b = boxed(b);
    return __builtin_complex(inf * (a * c + b * d), inf * (b * c - a * d));
  }
  if (infinite(c, d) && finite_left) {
    c = boxed(c), d = boxed(d);
    return __builtin_complex(0 * (a * c + b * d), 0 * (b * c - a * d));
  }
  return __builtin_complex(re, im);
}
