SYSCALL_DEFINE3(read, unsigned int, fd, char __user *, buf, size_t, count)
{
	struct fd f = fdget_pos(fd);
	if (f.file)
		return vfs_read(f.file, buf, count);
	return -1;
}

SYSCALL_DEFINE2(kill, pid_t, pid, int, sig)
{
	struct siginfo info;
	prepare_info(&info, sig);
	return kill_something(sig, &info, pid);
}

PHP_METHOD(Message, serialize)
{
	zval *self = getThis();
	if (!self)
		return;
	encode(self, return_value);
}

PHP_FUNCTION(strrev)
{
	char *s = arg();
	reverse(s);
	return_string(s);
}

DEFUN ("car", Fcar, Scar, 1, 1, 0,
       doc: /* Return the car of LIST.  */)
  (Lisp_Object list)
{
  CHECK(list);
  return CAR (list);
}

static DEFINE_PER_CPU(int, counter);

static int plain(int a)
{
	a += 1;
	return a;
}

#define RELEASE(a) do { \
    stop(a); /* may be running */ \
    release(a); \
} while (0)

static int after_comment(int value) {
	RELEASE(value);
	return value;
}

#ifdef __cplusplus
extern "C" {
#endif

static int codes[] = {
#ifdef WIDE
	1, 2,
#endif
	3,
};

#ifdef WIDE
static int decode(wide *text) {
#else
static int decode(char *text) {
#endif
	return codes[text[0]];
}

#ifdef __cplusplus
} /* extern "C" */
#endif
