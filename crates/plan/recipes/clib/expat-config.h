/* What Expat's configure would have found out about a machine with Linux or Windows and clang. */
#ifndef EXPAT_CONFIG_H
#define EXPAT_CONFIG_H 1

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define BYTEORDER 4321
#define WORDS_BIGENDIAN 1
#else
#define BYTEORDER 1234
#endif

/* Where randomness comes from: the system call, or the device where a kernel lacks it. Windows has its own (rand_s). */
#ifndef _WIN32
#define HAVE_GETRANDOM 1
#define XML_DEV_URANDOM 1
#endif

/* What configure chooses unless told otherwise. */
#define XML_CONTEXT_BYTES 1024
#define XML_DTD 1
#define XML_GE 1
#define XML_NS 1

#endif
