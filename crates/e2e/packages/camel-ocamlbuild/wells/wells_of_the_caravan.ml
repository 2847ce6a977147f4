let names = [ "wells" ]
