/* Litres that a camel with so many humps drinks at once. */
int water_litres(int humps);
