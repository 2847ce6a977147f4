val days : km:int -> per_day:int -> int
