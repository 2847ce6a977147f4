let () =
  let mersenne = Z.pred (Z.shift_left Z.one 521) in
  Printf.printf "2^521-1 is %s\n" (if Z.probab_prime mersenne 25 > 0 then "prime" else "composite");
  let rec factorial n = if n = 0 then Z.one else Z.mul (Z.of_int n) (factorial (n - 1)) in
  let f = Z.to_string (factorial 200) in
  Printf.printf "200! has %d digits: %s\n" (String.length f) f;
  print_endline (Z.to_string (Z.gcd (factorial 30) (Z.pow (Z.of_int 6) 40)));
  print_endline (Z.to_string (Z.powm (Z.of_int 3) (Z.of_string "0xffffffffffffffffffff") (Z.of_string "1000000007000000007")))
