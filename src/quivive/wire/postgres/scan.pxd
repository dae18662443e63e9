# C types of scan.py, for `make compiled` alone.
cimport cython


@cython.locals(data="const unsigned char *", position=Py_ssize_t, rows=Py_ssize_t, length="unsigned int")
cpdef tuple skip_rows(bytes buffer, Py_ssize_t start, Py_ssize_t end)


@cython.locals(data="const unsigned char *", keep="const unsigned char *", need=Py_ssize_t, position=Py_ssize_t,
               length="unsigned int", size="unsigned int", at=Py_ssize_t, following=Py_ssize_t, column=Py_ssize_t)
cpdef Py_ssize_t cut_rows(bytes buffer, Py_ssize_t start, Py_ssize_t end, Py_ssize_t most, list rows, bytes wanted,
                          bint single) except -1


@cython.locals(data="const unsigned char *", position=Py_ssize_t, rows=Py_ssize_t, length="unsigned int",
               size="unsigned int", at=Py_ssize_t, following=Py_ssize_t, here=Py_ssize_t)
cpdef tuple fill_column(bytes buffer, Py_ssize_t start, Py_ssize_t end, Py_ssize_t most, dict window, Py_ssize_t column)
