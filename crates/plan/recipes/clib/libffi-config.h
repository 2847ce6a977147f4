/* What libffi's configure would find out about clang on Linux and on Windows; its archive has no configure. */
#define EH_FRAME_FLAGS "a"
#ifndef _WIN32
#define FFI_EXEC_STATIC_TRAMP 1
#define FFI_MMAP_EXEC_WRIT 1
#define HAVE_ALLOCA_H 1
#define HAVE_AS_X86_64_UNWIND_SECTION_TYPE 1
#define HAVE_GETPAGESIZE 1
#define HAVE_HIDDEN_VISIBILITY_ATTRIBUTE 1
#define HAVE_MKOSTEMP 1
#define HAVE_MMAP 1
#endif
#define FFI_EXEC_TRAMPOLINE_TABLE 0
#define HAVE_AS_CFI_PSEUDO_OP 1
#define HAVE_AS_X86_PCREL 1
#define HAVE_MEMCPY 1
#define SIZEOF_DOUBLE __SIZEOF_DOUBLE__
#define SIZEOF_LONG_DOUBLE __SIZEOF_LONG_DOUBLE__
#define SIZEOF_SIZE_T __SIZEOF_SIZE_T__
#define STDC_HEADERS 1
#if __SIZEOF_LONG_DOUBLE__ != __SIZEOF_DOUBLE__
#define HAVE_LONG_DOUBLE 1
#endif
#ifdef _WIN32
/* PE knows no visibility. */
#ifdef LIBFFI_ASM
#define FFI_HIDDEN(name)
#else
#define FFI_HIDDEN
#endif
#elif defined LIBFFI_ASM
#define FFI_HIDDEN(name) .hidden name
#else
#define FFI_HIDDEN __attribute__ ((visibility ("hidden")))
#endif
