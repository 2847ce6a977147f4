(* Towns, and how far they are from each other. *)

let towns = [ ("samarkand", (39.65, 66.96)); ("bukhara", (39.77, 64.43)); ("merv", (37.66, 62.19)) ]
let radians degrees = degrees *. Float.pi /. 180.

let distance one other =
  let place name = match List.assoc_opt name towns with Some place -> place | None -> failwith name in
  let (a, b), (c, d) = (place one, place other) in
  let square x = x *. x in
  let sine x = square (sin (radians x /. 2.)) in
  let h = sine (c -. a) +. (cos (radians a) *. cos (radians c) *. sine (d -. b)) in
  2. *. 6371. *. asin (sqrt h)
