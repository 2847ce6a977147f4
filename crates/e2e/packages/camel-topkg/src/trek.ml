let days ~km ~per_day = (km + per_day - 1) / per_day
