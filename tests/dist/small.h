/* build.sh includes this into all C files, of which ring's are the only ones, to make programs
 * smaller. What it defines is weak, for every C file brings it.
 *
 * For all devices: zig's libc sorts arrays in a way that is quick for large ones and takes 10 KB,
 * and all that a static program sorts by it are the addresses of a host, 48 at most. */
#if !defined(__ASSEMBLER__)
__attribute__((weak)) void qsort(void *array, __SIZE_TYPE__ count, __SIZE_TYPE__ size,
                                 int (*compare)(const void *, const void *)) {
  unsigned char *start = array;
  for (__SIZE_TYPE__ sorted = 1; sorted < count; sorted++) {
    unsigned char *at = start + sorted * size;
    for (; at > start && compare(at - size, at) > 0; at -= size) {
      for (__SIZE_TYPE__ byte = 0; byte < size; byte++) {
        unsigned char moved = at[byte];
        at[byte] = at[byte - size];
        at[byte - size] = moved;
      }
    }
  }
}
#endif

/* For x86_64: makes ring take its small code for the curves P-256 and 25519, as it does by itself on
 * processors for which it has no assembly: a program is smaller by 190 KB, mostly tables that make
 * opening a connection faster, and connections are kept. ARM's assembly has names of the small code
 * too.
 *
 * Two names that ring's Rust code wants there are missing from the small code, and stand here: the
 * multiplication of P-256 without care for secret factors, where the careful one gives the same
 * point, and that of 25519 by newer instructions, where the one for all processors does the same.
 * Should another ring want other names, linking fails; tests/it/budget.rs uses both over TLS. */
#if defined(__x86_64__) && !defined(__ASSEMBLER__)
#define OPENSSL_SMALL
#include <ring_core_generated/prefix_symbols.h>

void p256_point_mul_base(unsigned long r[3][4], const unsigned long scalar[4]);
void p256_point_mul_base_vartime(unsigned long r[3][4], const unsigned long scalar[4]);
void x25519_scalar_mult_generic_masked(unsigned char out[32], const unsigned char scalar[32],
                                       const unsigned char point[32]);
void x25519_scalar_mult_adx(unsigned char out[32], const unsigned char scalar[32],
                            const unsigned char point[32]);

__attribute__((weak)) void p256_point_mul_base_vartime(unsigned long r[3][4],
                                                       const unsigned long scalar[4]) {
  p256_point_mul_base(r, scalar);
}

__attribute__((weak)) void x25519_scalar_mult_adx(unsigned char out[32],
                                                  const unsigned char scalar[32],
                                                  const unsigned char point[32]) {
  x25519_scalar_mult_generic_masked(out, scalar, point);
}
#endif
