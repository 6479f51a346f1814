// The part of the C++ ABI for exceptions that the libraries of @yowasp/clang lack, because they are built without exceptions.
//
// A landing pad stores its number and the table of its function (LSDA) in `__wasm_lpad_context`, calls
// `_Unwind_CallPersonality`, and reads the number of the type that catches the exception, or 0 for none.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <typeinfo>

namespace __cxxabiv1 {
// Declared as in libc++abi's private_typeinfo.h, whose classes are in the library.
class __shim_type_info : public std::type_info {
public:
    virtual ~__shim_type_info();
    virtual void noop1() const;
    virtual void noop2() const;
    virtual bool can_catch(const __shim_type_info *thrown, void *&object) const = 0;
};
} // namespace __cxxabiv1
using Type = __cxxabiv1::__shim_type_info;

__asm__(".globl __cpp_exception\n"
        ".tagtype __cpp_exception i32\n"
        "__cpp_exception:\n");

namespace {
// It precedes the thrown object.
struct alignas(16) Exception {
    const Type *type;
    void *(*destroy)(void *); // a destructor returns its argument
    void *adjusted;  // the object as the type that catches it
    Exception *next; // the exception that was caught before
    int handlers;    // number of running handlers, negative while it is thrown again
};

Exception *caught; // the innermost exception that is being handled

Exception *exception_of(void *object) { return static_cast<Exception *>(object) - 1; }

uintptr_t uleb(const uint8_t *&at) {
    uintptr_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = *at++;
        value |= uintptr_t(byte & 0x7f) << shift;
        if (!(byte & 0x80)) return value;
    }
}

intptr_t sleb(const uint8_t *&at) {
    uintptr_t value = 0;
    for (unsigned shift = 0;;) {
        uint8_t byte = *at++;
        value |= uintptr_t(byte & 0x7f) << shift;
        shift += 7;
        if (byte & 0x80) continue;
        if ((byte & 0x40) && shift < 32) value |= ~uintptr_t(0) << shift;
        return intptr_t(value);
    }
}
} // namespace

extern "C" {

struct {
    uintptr_t number;
    const uint8_t *table;
    uintptr_t selector;
} __wasm_lpad_context;

int _Unwind_CallPersonality(void *object) {
    Exception *exception = exception_of(object);
    const uint8_t *at = __wasm_lpad_context.table;
    __wasm_lpad_context.selector = 0;
    if (*at++ != 0xff) abort(); // landing pads have no base
    const uint8_t *types = nullptr;
    if (*at++ != 0xff) {
        uintptr_t length = uleb(at);
        types = at + length;
    }
    ++at; // numbers are ULEB128
    uintptr_t length = uleb(at);
    const uint8_t *actions = at + length;
    uintptr_t action = 0;
    for (uintptr_t i = 0; i <= __wasm_lpad_context.number; ++i) {
        uleb(at);
        action = uleb(at);
    }
    if (action == 0) return 0;
    for (const uint8_t *row = actions + action - 1;;) {
        intptr_t index = sleb(row);
        if (index > 0) {
            const Type *type = reinterpret_cast<const Type *const *>(types)[-index];
            void *adjusted = object;
            if (!type || type->can_catch(exception->type, adjusted)) {
                exception->adjusted = adjusted;
                __wasm_lpad_context.selector = uintptr_t(index);
                return 0;
            }
        }
        const uint8_t *next = row;
        intptr_t offset = sleb(next);
        if (offset == 0) return 0;
        row += offset;
    }
}

void *__cxa_allocate_exception(size_t size) {
    auto *exception = static_cast<Exception *>(calloc(1, sizeof(Exception) + size));
    return exception ? exception + 1 : nullptr;
}

void __cxa_free_exception(void *object) { free(exception_of(object)); }

[[noreturn]] void __cxa_throw(void *object, std::type_info *type, void *(*destroy)(void *)) {
    exception_of(object)->type = static_cast<const Type *>(type);
    exception_of(object)->destroy = destroy;
    __builtin_wasm_throw(0, object);
}

void *__cxa_get_exception_ptr(void *object) { return exception_of(object)->adjusted; }

void *__cxa_begin_catch(void *object) {
    Exception *exception = exception_of(object);
    exception->handlers = abs(exception->handlers) + 1;
    if (caught != exception) {
        exception->next = caught;
        caught = exception;
    }
    return exception->adjusted;
}

void __cxa_end_catch() {
    Exception *exception = caught;
    if (exception->handlers < 0) {
        if (++exception->handlers == 0) caught = exception->next;
    } else if (--exception->handlers == 0) {
        caught = exception->next;
        if (exception->destroy) exception->destroy(exception + 1);
        free(exception);
    }
}

[[noreturn]] void __cxa_rethrow() {
    if (!caught) abort();
    caught->handlers = -caught->handlers;
    __builtin_wasm_throw(0, caught + 1);
}
}
