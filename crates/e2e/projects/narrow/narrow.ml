(* Code whose results do not depend on the width of `int`, but whose translation does. Its first line names the OCaml. *)

external mix : int32 -> int64 -> float -> nativeint -> float = "narrow_mix"

external unboxed : (int32[@unboxed]) -> (int64[@unboxed]) -> (float[@unboxed]) -> (nativeint[@unboxed]) -> (float[@unboxed])
  = "narrow_boxed" "narrow_unboxed"

exception Deep of int

type t = A | B | C | D | E | F | G | H of int | I of string

(* Tables of jumps, of constants and of blocks. *)
let name = function
  | A -> "a" | B -> "b" | C -> "c" | D -> "d" | E -> "e" | F -> "f" | G -> "g"
  | H n -> "h" ^ string_of_int n
  | I s -> s

let dense = function
  | 0 -> 10 | 1 -> 11 | 2 -> 25 | 3 -> 7 | 4 -> 9 | 5 -> 88 | 6 -> 3 | 7 -> 2 | 8 -> 1 | 9 -> 77 | 10 -> 5
  | _ -> -1

let jump n f = match n with
  | 0 -> f "zero" | 1 -> f "one" ^ "!" | 2 -> "two" | 3 -> f (f "three") | 4 -> "four" ^ f "" | 5 -> f "five" ^ f "5"
  | 6 -> raise (Deep 6)
  | _ -> "many"

let words = function
  | "" -> 0 | "a" -> 1 | "abcd" -> 2 | "abcdefgh" -> 3 | "\255\255\255\255" -> 4 | "\128\000\000\000" -> 5
  | "\127zzz" -> 6 | "abcdefgi" -> 7
  | _ -> 8

let rec deep n = if n = 0 then raise (Deep 42) else 1 + deep (n - 1)
let rec total a n = if n = 0 then a else total (a +. (1.5 *. float_of_int n)) (n - 1)
let many a b c d e f g h i j k l =
  a + (2 * b) + (3 * c) + (4 * d) + (5 * e) + (6 * f) + (7 * g) + (8 * h) + (9 * i) + (10 * j) + (11 * k) + (12 * l)

(* More floats than there are registers for them, with all combined instructions. *)
let floats a b c d e f g h i j k l m n o p q r =
  a +. (b *. c) -. (d /. e) +. (f *. g) -. h +. (i *. j) +. (k /. l) -. (m *. n) +. o -. (p *. q) +. r
  +. ((a *. b) -. c) -. (-.(d *. e) +. f) +. -.((g *. h) +. i) +. sqrt j +. abs_float (k -. l)

let printf = Printf.printf
let hide = Sys.opaque_identity

let control () =
  List.iter (fun t -> printf "%s " (name t)) [ A; B; C; D; E; F; G; H 5; I "x" ];
  List.iter (fun n -> printf "%d " (dense n)) [ 0; 1; 2; 3; 4; 5; 6; 7; 8; 9; 10; 11; -3 ];
  List.iter (fun n -> printf "%s " (try jump n (fun s -> "<" ^ s ^ ">") with Deep n -> string_of_int n)) [ 0; 1; 2; 3; 4; 5; 6; 7 ];
  List.iter (fun s -> printf "%d " (words s))
    [ ""; "a"; "abcd"; "abcdefgh"; "\255\255\255\255"; "\128\000\000\000"; "\127zzz"; "abcdefgi"; "b" ];
  (try ignore (deep 1000) with Deep n -> printf "deep %d " n);
  (try print_int [| 1; 2; 3 |].(hide 3) with Invalid_argument s -> printf "%s " s);
  (try print_int (1 / hide 0) with Division_by_zero -> printf "division ");
  printf "%d %d %d %d\n" (hide 17 mod 5) (hide (-17) / 4) (hide (-17) asr 2) (many 1 2 3 4 5 6 7 8 9 10 11 12)

let arithmetic () =
  printf "%.17g %.17g %h %.17g\n" (total 0. 1000) (sqrt 2.) (-0.1)
    (floats 1. 2. 3. 4. 5. 6. 7. 8. 9. 10. 11. 12. 13. 14. 15. 16. 17. 18.);
  (* Constants that fit an instruction and such that do not. *)
  List.iter
    (fun f -> printf "%.17g %.17g %.17g %.17g\n" (abs_float f) (-.f) ((f *. f) +. 1.) (Float.round f))
    [ 1.; 1.5; -2.25; 31.; 32.; 0.125; 0.2421875; -31.; 3.1415926535; 1e300; -1e-300; 0.; -0. ];
  List.iter
    (fun (a, b) -> printf "%b%b%b%b%b%b %d " (a < b) (a <= b) (a = b) (a <> b) (a > b) (a >= b) (compare a b))
    [ (1., 2.); (2., 1.); (1., 1.); (nan, 1.); (1., nan); (nan, nan); (infinity, neg_infinity) ];
  List.iter (fun f -> if not (f < 1.) then printf "not below " else printf "below ") [ 0.; 2.; nan ];
  printf "\n%d %d\n" (truncate (hide 1234567.9)) (truncate (hide (-7.9)));
  let a = hide 123456789l and b = hide 1000003l in
  printf "%ld %ld %ld %ld %ld\n" (Int32.mul a b) (Int32.div Int32.min_int 3l) (Int32.shift_right_logical (hide (-1l)) 5)
    (Int32.rem a b) (Int32.of_float 2147483000.);
  let a = hide 123456789123456L and b = hide 1000000007L in
  printf "%Ld %Ld %Ld %Lx %Ld %b\n" (Int64.mul a b) (Int64.div Int64.min_int 7L) (Int64.rem a b)
    (Int64.shift_left 0x123456789abcdefL (hide 7)) (Int64.shift_right (hide Int64.min_int) 33) (Int64.compare a b > 0);
  printf "%.17g %.17g %Ld\n" (Int64.to_float 1234567890123456789L) (Int32.to_float (-77l)) (Int64.of_float 1e15);
  printf "%.17g %.17g\n" (mix 7l 1234567890123L 2.5 9n) (unboxed 7l 1234567890123L 2.5 9n)

let memory () =
  let a = Float.Array.init 100 (fun i -> float_of_int i /. 3.) in
  let single = Bigarray.Array1.of_array Bigarray.float32 Bigarray.c_layout [| 1.1; 2.2; 3.3 |] in
  printf "%.17g %.9g\n" (Float.Array.fold_left ( +. ) 0. a) (single.{0} +. (single.{1} *. single.{2}));
  let l = List.init 100000 string_of_int in
  Gc.compact ();
  printf "%d %s\n" (List.length l) (Digest.to_hex (Digest.string (String.concat "," l)));
  let marshalled = Marshal.to_string [ (Some 1, "x", 2.5, 7L); (None, "y", 1e10, 8L) ] [] in
  printf "%s %b\n" (Digest.to_hex (Digest.string (String.sub marshalled 20 (String.length marshalled - 20))))
    (Marshal.from_string marshalled 0 = [ (Some 1, "x", 2.5, 7L); (None, "y", 1e10, 8L) ]);
  let b = Bytes.create 16 in
  Bytes.set_int64_le b 0 0x0102030405060708L;
  Bytes.set_int32_be b 8 0x11223344l;
  Bytes.set_int32_le b 12 (-2l);
  printf "%S %x %x\n" (Bytes.to_string b) (Bytes.get_uint16_be b 9) (Hashtbl.hash ("hello", 3, 2.5))

let () =
  printf "%s\n" Sys.ocaml_version;
  control ();
  arithmetic ();
  memory ();
  Thread.join (Thread.create (fun () -> print_endline "thread") ());
  (match Unix.fork () with
  | 0 -> Unix._exit 7
  | child -> (match Unix.waitpid [] child with _, Unix.WEXITED n -> printf "child %d\n" n | _ -> print_endline "?"));
  printf "%s %.0f\n" (Str.global_replace (Str.regexp "b+") "X" "abbbcb") (fst (Unix.mktime (Unix.gmtime 5e9)));
  at_exit (fun () -> print_endline "bye")
