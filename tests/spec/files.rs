//! The files of the suite, by the names of their tests. A test compares these lists with the files of the suite.

macro_rules! every_file {
    ($mode:ident) => {
        pub(crate) mod v2 {
            tests! {
                $mode V2
                address align binary binary_leb128 block br br_if br_table bulk call call_indirect comments r#const
                conversions custom data elem endianness exports f32 f32_bitwise f32_cmp f64 f64_bitwise f64_cmp fac
                float_exprs float_literals float_memory float_misc forward func func_ptrs global i32 i64 r#if imports
                inline_module int_exprs int_literals labels left_to_right linking load local_get local_set local_tee
                r#loop memory memory_copy memory_fill memory_grow memory_init memory_redundancy memory_size
                memory_trap names nop obsolete_keywords ref_func ref_is_null ref_null r#return select
                skip_stack_guard_page stack start store switch table table_copy table_fill table_get table_grow
                table_init table_set table_size table_sub token traps r#type unreachable unreached_invalid
                unreached_valid unwind utf8_custom_section_id utf8_import_field utf8_import_module
                utf8_invalid_encoding
            }
        }
        pub(crate) mod v3 {
            tests! {
                $mode V3
                address align annotations binary binary_leb128 block br br_if br_on_non_null br_on_null br_table
                call call_indirect call_ref comments r#const conversions custom data elem endianness exports f32
                f32_bitwise f32_cmp f64 f64_bitwise f64_cmp fac float_exprs float_literals float_memory float_misc
                forward func func_ptrs global i32 i64 id r#if imports inline_module instance int_exprs int_literals
                labels left_to_right linking load local_get local_init local_set local_tee r#loop memory memory_grow
                memory_redundancy memory_size memory_trap names nop obsolete_keywords r#ref ref_as_non_null ref_func
                ref_is_null ref_null r#return return_call return_call_indirect return_call_ref select
                skip_stack_guard_page stack start store switch table table_get table_grow table_set table_size token
                traps r#type type_canon type_equivalence type_rec unreachable unreached_invalid unreached_valid
                unwind utf8_custom_section_id utf8_import_field utf8_import_module utf8_invalid_encoding
            }
        }
        pub(crate) mod simd {
            tests! {
                $mode Simd
                simd_address simd_align simd_bit_shift simd_bitwise simd_boolean simd_const simd_conversions
                simd_f32x4 simd_f32x4_arith simd_f32x4_cmp simd_f32x4_pmin_pmax simd_f32x4_rounding simd_f64x2
                simd_f64x2_arith simd_f64x2_cmp simd_f64x2_pmin_pmax simd_f64x2_rounding simd_i16x8_arith
                simd_i16x8_arith2 simd_i16x8_cmp simd_i16x8_extadd_pairwise_i8x16 simd_i16x8_extmul_i8x16
                simd_i16x8_q15mulr_sat_s simd_i16x8_sat_arith simd_i32x4_arith simd_i32x4_arith2 simd_i32x4_cmp
                simd_i32x4_dot_i16x8 simd_i32x4_extadd_pairwise_i16x8 simd_i32x4_extmul_i16x8
                simd_i32x4_trunc_sat_f32x4 simd_i32x4_trunc_sat_f64x2 simd_i64x2_arith simd_i64x2_arith2
                simd_i64x2_cmp simd_i64x2_extmul_i32x4 simd_i8x16_arith simd_i8x16_arith2 simd_i8x16_cmp
                simd_i8x16_sat_arith simd_int_to_int_extend simd_lane simd_linking simd_load simd_load16_lane
                simd_load32_lane simd_load64_lane simd_load8_lane simd_load_extend simd_load_splat simd_load_zero
                simd_memory_multi
                simd_select simd_splat simd_store simd_store16_lane simd_store32_lane simd_store64_lane
                simd_store8_lane
            }
        }
        pub(crate) mod extended_const {
            tests! {
                $mode ExtendedConst
                data elem global
            }
        }
        pub(crate) mod exceptions {
            tests! {
                $mode Exceptions
                tag throw throw_ref try_table
            }
        }
        pub(crate) mod tail_call {
            tests! {
                $mode TailCall
                return_call return_call_indirect
            }
        }
        pub(crate) mod function_references {
            tests! {
                $mode FunctionReferences
                binary br_on_non_null br_on_null br_table call_ref data elem func global r#if linking local_get local_init
                r#ref ref_as_non_null ref_is_null ref_null return_call return_call_indirect return_call_ref select table
                table_sub type_equivalence unreached_invalid unreached_valid
            }
        }
        pub(crate) mod atomics {
            tests! {
                $mode Atomics
                atomic
            }
        }
        pub(crate) mod wide_arithmetic {
            tests! {
                $mode WideArithmetic
                wide_arithmetic
            }
        }
        pub(crate) mod multi_memory {
            tests! {
                $mode MultiMemory
                address0 address1 align0 binary0 data0 data1 data_drop0 exports0 float_exprs0 float_exprs1 float_memory0
                imports0 imports1 imports2 imports3 imports4 linking0 linking1 linking2 linking3 load0 load1 load2
                memory_copy0 memory_copy1 memory_fill0 memory_grow memory_init0 memory_multi memory_size0 memory_size1
                memory_size2 memory_size3 memory_size_import memory_trap0 memory_trap1 start0 store0 store1 store2 traps0
            }
        }
        pub(crate) mod memory64 {
            tests! {
                $mode Memory64
                address address64 align64 binary binary_leb128 endianness64 float_memory64 load64 memory memory64
                memory_grow64 memory_redundancy64 memory_trap64 simd_address
            }
        }
        pub(crate) mod custom_page_sizes {
            tests! {
                $mode CustomPageSizes
                binary custom_page_sizes custom_page_sizes_invalid memory_max memory_max_i64
            }
        }
        pub(crate) mod relaxed_simd {
            tests! {
                $mode RelaxedSimd
                i16x8_relaxed_q15mulr_s i32x4_relaxed_trunc i8x16_relaxed_swizzle relaxed_dot_product
                relaxed_laneselect relaxed_madd_nmadd relaxed_min_max
            }
        }
    };
}
