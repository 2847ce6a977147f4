#!/bin/sh
# libcurl, with OpenSSL and zlib, which lie in $PREFIX.

. "$(dirname "$0")/common.sh"

copy_sources
# bash takes half as long again for the same.
export CONFIG_SHELL=/bin/sh
# What needs libraries that are not here is left out, and what no one speaks any more. Certificates are where OpenSSL
# looks for them: configure would ask the build machine.
configure_cross --disable-dependency-tracking --disable-docs --disable-manual --disable-libcurl-option \
  --with-openssl="$PREFIX" --with-zlib="$PREFIX" --with-ca-fallback --without-ca-bundle --without-ca-path \
  --without-brotli --without-zstd --without-libpsl --without-libidn2 --without-nghttp2 --without-libssh2 \
  --without-librtmp --without-libgsasl --without-gssapi --disable-ares --disable-ldap --disable-ldaps \
  --disable-dict --disable-gopher --disable-mqtt --disable-rtsp --disable-smb --disable-telnet --disable-tftp
libtool="sh $(dirname "$0")/libtool-compile.sh $build/libtool"
make -s -j"$jobs" -C lib LIBTOOL="$libtool" libcurl.la
make -s -C lib LIBTOOL="$libtool" install-libLTLIBRARIES DESTDIR=$stage
make -s -C include install DESTDIR=$stage
make -s install-pkgconfigDATA DESTDIR=$stage
take_stage
check_output
