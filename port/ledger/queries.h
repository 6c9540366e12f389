// The functions of `_records` that only look. Contracts: port/typings/_records.pyi.
#pragma once
#include "py/obj.h"

MP_DECLARE_CONST_FUN_OBJ_0(records_live_obj);
MP_DECLARE_CONST_FUN_OBJ_0(records_lost_obj);
MP_DECLARE_CONST_FUN_OBJ_2(records_read_obj);
MP_DECLARE_CONST_FUN_OBJ_1(records_next_obj);
MP_DECLARE_CONST_FUN_OBJ_2(records_find_obj);
MP_DECLARE_CONST_FUN_OBJ_1(records_find_table_obj);
MP_DECLARE_CONST_FUN_OBJ_1(records_owner_of_obj);
MP_DECLARE_CONST_FUN_OBJ_1(records_mapped_pages_obj);
MP_DECLARE_CONST_FUN_OBJ_0(records_mapped_frames_obj);
MP_DECLARE_CONST_FUN_OBJ_1(records_live_with_root_obj);
MP_DECLARE_CONST_FUN_OBJ_0(records_events_obj);
