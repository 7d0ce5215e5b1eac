/* No licence line. */
int f(void);
