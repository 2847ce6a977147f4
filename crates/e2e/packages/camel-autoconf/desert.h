const char *crossed(void);
