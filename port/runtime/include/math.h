// What MicroPython uses of <math.h>. The host's own clashes with lib/libm_dbl (its __sin and friends).
#pragma once
typedef double double_t;
typedef float float_t;
#define FP_NAN 0
#define FP_INFINITE 1
#define FP_ZERO 2
#define FP_SUBNORMAL 3
#define FP_NORMAL 4
#define NAN __builtin_nan("")
#define INFINITY __builtin_inf()
#define HUGE_VAL __builtin_huge_val()
#define M_PI 3.14159265358979323846
#define M_E 2.7182818284590452354
#define fpclassify(x) __builtin_fpclassify(FP_NAN, FP_INFINITE, FP_NORMAL, FP_SUBNORMAL, FP_ZERO, (x))
#define isnan(x) __builtin_isnan(x)
#define isinf(x) __builtin_isinf(x)
#define isfinite(x) __builtin_isfinite(x)
#define isnormal(x) __builtin_isnormal(x)
#define signbit(x) __builtin_signbit(x)

double acos(double), acosh(double), asin(double), asinh(double), atan(double), atan2(double, double), atanh(double), cbrt(double),
    ceil(double), copysign(double, double), cos(double), cosh(double), erf(double), erfc(double), exp(double), exp2(double),
    expm1(double), fabs(double), floor(double), fmod(double, double), frexp(double, int *), ldexp(double, int), lgamma(double),
    log(double), log10(double), log1p(double), log2(double), modf(double, double *), nan(const char *), nearbyint(double),
    pow(double, double), rint(double), round(double), scalbn(double, int), sin(double), sinh(double), sqrt(double), tan(double),
    tanh(double), tgamma(double), trunc(double);
void sincos(double, double *, double *);
