// qstrs that no source mentions by MP_QSTR_: none.
