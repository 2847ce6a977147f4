/* The SHA-256 of "abc", FIPS 180-2's own example, and a context for TLS. */
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdio.h>

int main(void) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (!EVP_Digest("abc", 3, digest, &size, EVP_sha256(), NULL)) return 1;
  for (unsigned int i = 0; i < size; i++) printf("%02x", digest[i]);
  SSL_CTX *context = SSL_CTX_new(TLS_method());
  printf("\nTLS_method %s\n", context && SSL_CTX_set_default_verify_paths(context) ? "ok" : "failed");
  SSL_CTX_free(context);
  return 0;
}
