module Types (F : Ctypes.TYPE) = struct
  let cpu = F.constant "CPU" F.int
  let char_min = F.constant "CHAR_MIN" F.int
end
