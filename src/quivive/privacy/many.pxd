# C types of many.py, for `make compiled` alone.
cimport cython


@cython.locals(start=Py_ssize_t, lane=Py_ssize_t, count=Py_ssize_t, taken=Py_ssize_t, words="unsigned int[::1]",
               state="unsigned int[::1]", first="unsigned int[::1]", second="unsigned int[::1]", prefix=bytes,
               digits=bytearray, block=bytearray, text=unicode)
cpdef list pseudonyms(object inner, object outer, list texts)


@cython.locals(text=bytes, data="const unsigned char *", size=Py_ssize_t, at=Py_ssize_t, number="long long",
               last="long long", digit="int", plain="bint")
cpdef set blocks(list texts, Py_ssize_t shift)


@cython.locals(out="unsigned char *", before="const unsigned char *", data="const unsigned char *", at=Py_ssize_t,
               first=Py_ssize_t, size=Py_ssize_t, bits=Py_ssize_t)
cdef void _message(bytearray block, bytes prefix, bytes text, Py_ssize_t taken) noexcept


@cython.locals(data="const unsigned char *", row=Py_ssize_t, at=Py_ssize_t)
cdef void _place(unsigned int[::1] words, bytearray block, Py_ssize_t lane) noexcept


@cython.locals(row=Py_ssize_t, lane=Py_ssize_t, value="unsigned int")
cdef void _begin(unsigned int[::1] state, unsigned int[::1] middle) noexcept


@cython.locals(at=Py_ssize_t, lane=Py_ssize_t, row=Py_ssize_t)
cdef void _digests(unsigned int[::1] words, unsigned int[::1] state) noexcept


@cython.locals(out="unsigned char *", lane=Py_ssize_t, at=Py_ssize_t, row=Py_ssize_t, nibble=Py_ssize_t,
               value="unsigned int", digit="unsigned int")
cdef void _hexadecimal(bytearray digits, unsigned int[::1] state, Py_ssize_t count) noexcept


@cython.locals(cube="unsigned int[64]", a="unsigned int[16]", b="unsigned int[16]", c="unsigned int[16]",
               d="unsigned int[16]", e="unsigned int[16]", f="unsigned int[16]", g="unsigned int[16]",
               h="unsigned int[16]", lane=Py_ssize_t, turn=Py_ssize_t, here=Py_ssize_t, second=Py_ssize_t,
               seventh=Py_ssize_t, fifteenth=Py_ssize_t, x="unsigned int", y="unsigned int", z="unsigned int",
               t="unsigned int", k="unsigned int", mask="unsigned int")
cdef void _compress(unsigned int[::1] state, unsigned int[::1] words) noexcept
