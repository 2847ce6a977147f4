open Ctypes
module Types = Types_generated

module Functions (F : Ctypes.FOREIGN) = struct
  open F
  let abs = foreign "abs" (int @-> returning int)
end
