module Table = Table

type point = { x : float; y : float }

let distance a b = Float.hypot (a.x -. b.x) (a.y -. b.y)

(* The perimeter of a regular polygon in the unit circle: tends to 2 pi, in floating point the same on every target. *)
let perimeter corners =
  let corner k =
    let angle = 2. *. Float.pi *. float_of_int k /. float_of_int corners in
    { x = cos angle; y = sin angle }
  in
  let side k = distance (corner k) (corner (k + 1)) in
  Seq.fold_left (fun sum k -> sum +. side k) 0. (Seq.take corners (Seq.ints 0))

let prime_sum () = Array.fold_left ( + ) 0 Table.primes
