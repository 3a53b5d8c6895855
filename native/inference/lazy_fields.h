// Fields of Python objects that are made when somebody asks for them.
//
// What the request path gives to Python are instances of dataclasses in `tritonserver._api`, of
// which most programs look at few fields. So the bases of these classes, made here, keep the
// fields: as Python objects what was set or asked for, and the native source of everything else.
#pragma once

#include <pybind11/pybind11.h>
#include <structmember.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "native/inference/python_types.h"

namespace tritonserver::inference {

// A `Source` knows the fields, in the order of the dataclass, and how to make those of an object:
//
//   static constexpr std::array kFields{&PythonNames::…, …};
//   py::object Make(PyObject* self, std::size_t field);
//
// The dataclass gets descriptors of the fields when it is registered: earlier, `dataclass` would
// take them for defaults. Once somebody asks for its `__dict__` an object is like any other: all
// fields are made, and are from then on what is there. Everything is done with the GIL.
template <class Source>
class LazyFields {
 public:
  static constexpr std::size_t kCount = Source::kFields.size();

  // Adds the base class to `module`, with further slots and methods.
  static void Bind(py::module_& module, const char* name, const char* doc,
                   std::vector<PyType_Slot> slots, std::vector<PyMethodDef> methods) {
    methods.push_back({"__getstate__", &GetState, METH_NOARGS,
                       "__getstate__(self) -> dict[str, typing.Any]\n\nThe fields, to copy or "
                       "pickle them."});
    methods.push_back({nullptr, nullptr, 0, nullptr});
    static const std::vector<PyMethodDef> kept_methods = std::move(methods);
    static PyGetSetDef accessors[] = {
        {"__dict__", &GetDict, &SetDict, nullptr, nullptr},
        {nullptr, nullptr, nullptr, nullptr, nullptr},
    };
    static PyMemberDef members[] = {
        {const_cast<char*>("__dictoffset__"), T_PYSSIZET, offsetof(Object, dict), READONLY,
         nullptr},
        {nullptr, 0, 0, 0, nullptr},
    };
    slots.insert(slots.end(), {Slot(Py_tp_new, &NewInPython),
                               Slot(Py_tp_dealloc, &Deallocate),
                               Slot(Py_tp_traverse, &Traverse),
                               Slot(Py_tp_clear, &Clear),
                               {Py_tp_methods, const_cast<PyMethodDef*>(kept_methods.data())},
                               {Py_tp_getset, accessors},
                               {Py_tp_members, members},
                               {Py_tp_doc, const_cast<char*>(doc)},
                               {0, nullptr}});
    // The type refers to the name for ever.
    static const std::string qualified = std::string("tritonserver._c._inference.") + name;
    PyType_Spec spec = {qualified.c_str(), sizeof(Object), 0,
                        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
                        slots.data()};
    type_ = reinterpret_cast<PyTypeObject*>(Steal(PyType_FromSpec(&spec)).release().ptr());
    module.add_object(name, py::handle(reinterpret_cast<PyObject*>(type_)));
    OnRegister([](PyTypeObject* cls) {
      if (PyType_IsSubtype(cls, type_) != 0) AddFields(cls);
    });
  }

  static bool IsInstance(PyObject* object) { return PyObject_TypeCheck(object, type_) != 0; }

  // An instance of `cls`, which inherits from the base.
  static py::object New(PyObject* cls, Source source) {
    py::object made = Steal(NewInPython(reinterpret_cast<PyTypeObject*>(cls), nullptr, nullptr));
    ObjectOf(made.ptr()).source.emplace(std::move(source));
    return made;
  }

  // The source of a field that was neither set nor asked for; otherwise null.
  static const Source* SourceOf(PyObject* self, std::size_t field) {
    const Object& object = ObjectOf(self);
    return object.values[field] == nullptr && object.source ? &*object.source : nullptr;
  }

  // The source of an object of which nothing but `field` was set or asked for; otherwise null.
  static const Source* SourceIfOnly(PyObject* self, std::size_t field) {
    const Object& object = ObjectOf(self);
    for (std::size_t i = 0; i < kCount; ++i) {
      if (i != field && object.values[i] != nullptr) return nullptr;
    }
    return object.dict == nullptr && object.source ? &*object.source : nullptr;
  }

  static py::object Get(PyObject* self, std::size_t field) {
    Object& object = ObjectOf(self);
    if (object.values[field] == nullptr && object.source) {
      const GarbageStays garbage_stays;
      py::object made = object.source->Make(self, field);
      if (object.values[field] == nullptr) object.values[field] = made.release().ptr();
    }
    if (object.values[field] != nullptr) {
      return py::reinterpret_borrow<py::object>(object.values[field]);
    }
    PyObject* const name = names.*Source::kFields[field];
    PyObject* const value =
        object.dict == nullptr ? nullptr : PyDict_GetItemWithError(object.dict, name);
    if (value != nullptr) return py::reinterpret_borrow<py::object>(value);
    if (PyErr_Occurred() == nullptr) {
      PyErr_Format(PyExc_AttributeError, "this %s has no %R", Py_TYPE(self)->tp_name, name);
    }
    throw py::error_already_set();
  }

 private:
  static void AddFields(PyTypeObject* cls) {
    static std::array<PyGetSetDef, kCount> fields;
    for (std::size_t i = 0; i < kCount; ++i) {
      PyObject* const name = names.*Source::kFields[i];
      fields[i] = {PyUnicode_AsUTF8(name), &GetField, &SetField, nullptr,
                   reinterpret_cast<void*>(i)};
      const py::object descriptor = Steal(PyDescr_NewGetSet(cls, &fields[i]));
      if (PyObject_SetAttr(reinterpret_cast<PyObject*>(cls), name, descriptor.ptr()) != 0) {
        throw py::error_already_set();
      }
    }
  }

  struct Object {
    PyObject_HEAD PyObject* dict;  // attributes without a field; all once `is_plain`
    std::array<PyObject*, kCount> values;
    std::optional<Source> source;
    bool is_plain;
  };

  // Finalizers that the garbage collector calls would let other threads in, which must not find a
  // field half made.
  class GarbageStays {
   public:
    GarbageStays() : was_collected_(PyGC_Disable() != 0) {}
    ~GarbageStays() {
      if (was_collected_) PyGC_Enable();
    }
    GarbageStays(const GarbageStays&) = delete;
    GarbageStays& operator=(const GarbageStays&) = delete;

   private:
    const bool was_collected_;
  };

  static Object& ObjectOf(PyObject* self) { return *reinterpret_cast<Object*>(self); }

  static PyObject* NewInPython(PyTypeObject* cls, PyObject*, PyObject*) {
    PyObject* made = cls->tp_alloc(cls, 0);  // zeroed
    if (made != nullptr) new (&ObjectOf(made).source) std::optional<Source>;
    return made;
  }

  static PyObject* GetField(PyObject* self, void* field) {
    return ForPython<PyObject*>(nullptr, [&] {
      return Get(self, reinterpret_cast<std::uintptr_t>(field)).release().ptr();
    });
  }

  static int SetField(PyObject* self, PyObject* value, void* closure) {
    return ForPython(-1, [&] {
      const auto field = reinterpret_cast<std::uintptr_t>(closure);
      PyObject* const name = names.*Source::kFields[field];
      Object& object = ObjectOf(self);
      if (value == nullptr) {
        BecomePlain(object);
        if (PyDict_DelItem(object.dict, name) == 0) return 0;
        if (PyErr_ExceptionMatches(PyExc_KeyError) != 0) {
          PyErr_SetObject(PyExc_AttributeError, name);
        }
        return -1;
      }
      if (object.is_plain) return PyDict_SetItem(object.dict, name, value);
      PyObject* const old = std::exchange(object.values[field], Py_NewRef(value));
      Py_XDECREF(old);
      return 0;
    });
  }

  static void BecomePlain(Object& object) {
    if (object.is_plain) return;
    const py::object dict = object.dict != nullptr ? py::reinterpret_borrow<py::object>(object.dict)
                                                   : Steal(PyDict_New());
    for (std::size_t i = 0; i < kCount; ++i) {
      if (object.values[i] == nullptr && !object.source) continue;
      const py::object value = Get(reinterpret_cast<PyObject*>(&object), i);
      if (PyDict_SetItem(dict.ptr(), names.*Source::kFields[i], value.ptr()) != 0) {
        throw py::error_already_set();
      }
    }
    SetPlainDict(object, dict);
  }

  static void SetPlainDict(Object& object, py::object dict) {
    object.is_plain = true;
    PyObject* const old_dict = std::exchange(object.dict, dict.release().ptr());
    const auto old_values = std::exchange(object.values, {});
    const auto old_source = std::exchange(object.source, std::nullopt);
    Py_XDECREF(old_dict);
    for (PyObject* value : old_values) Py_XDECREF(value);
  }

  static PyObject* GetDict(PyObject* self, void*) {
    return ForPython<PyObject*>(nullptr, [&] {
      BecomePlain(ObjectOf(self));
      return Py_NewRef(ObjectOf(self).dict);
    });
  }

  static int SetDict(PyObject* self, PyObject* dict, void*) {
    if (dict == nullptr || !PyDict_Check(dict)) {
      PyErr_SetString(PyExc_TypeError, "__dict__ must be set to a dictionary");
      return -1;
    }
    SetPlainDict(ObjectOf(self), py::reinterpret_borrow<py::object>(dict));
    return 0;
  }

  static PyObject* GetState(PyObject* self, PyObject*) {
    return ForPython<PyObject*>(nullptr, [&] {
      BecomePlain(ObjectOf(self));
      return PyDict_Copy(ObjectOf(self).dict);
    });
  }

  static int Traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(ObjectOf(self).dict);
    for (PyObject* value : ObjectOf(self).values) Py_VISIT(value);
    return 0;
  }

  static int Clear(PyObject* self) {
    Py_CLEAR(ObjectOf(self).dict);
    for (PyObject*& value : ObjectOf(self).values) Py_CLEAR(value);
    return 0;
  }

  static void Deallocate(PyObject* self) {
    PyObject_GC_UnTrack(self);
    Clear(self);
    ObjectOf(self).source.~optional();
    PyTypeObject* type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
  }

  static inline PyTypeObject* type_;
};

}  // namespace tritonserver::inference
