open Bin_prot.Std

type load = Grain of int | Salt of { weight : float; from : string } | Mixed of load list [@@deriving bin_io]

let () =
  let loads =
    Mixed [ Grain 42; Salt { weight = 1.5; from = "Araouane" }; Mixed [ Grain (-1_000_000_007); Grain max_int ] ]
  in
  let size = bin_size_load loads in
  let buffer = Bin_prot.Common.create_buf size in
  let written = bin_write_load buffer ~pos:0 loads in
  let bytes = String.init written (Bigarray.Array1.get buffer) in
  String.iter (fun c -> Printf.printf "%02x" (Char.code c)) bytes;
  let back = bin_read_load buffer ~pos_ref:(ref 0) in
  Printf.printf "\n%d bytes, the same again: %b\n" size (back = loads)
