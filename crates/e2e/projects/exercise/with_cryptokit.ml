let hex text = Cryptokit.transform_string (Cryptokit.Hexa.encode ()) text

let () =
  let hash name scheme = Printf.printf "%s %s\n" name (hex (Cryptokit.hash_string scheme "bactrian")) in
  hash "sha256" (Cryptokit.Hash.sha256 ());
  hash "sha3" (Cryptokit.Hash.sha3 512);
  hash "blake2b" (Cryptokit.Hash.blake2b 256);
  let key = String.init 32 Char.chr and text = String.make 47 'x' in
  let through direction = Cryptokit.transform_string (Cryptokit.Cipher.aes ~pad:Cryptokit.Padding.length key direction) in
  let sealed = through Cryptokit.Cipher.Encrypt text in
  Printf.printf "aes %s %b\n" (hex sealed) (through Cryptokit.Cipher.Decrypt sealed = text);
  let packed = Cryptokit.transform_string (Cryptokit.Zlib.compress ()) (String.concat "," (List.init 500 string_of_int)) in
  Printf.printf "zlib %d bytes, back %d\n" (String.length packed)
    (String.length (Cryptokit.transform_string (Cryptokit.Zlib.uncompress ()) packed))
