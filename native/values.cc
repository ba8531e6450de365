#include "values.h"

#include <ATen/core/List.h>
#include <ATen/core/stack.h>

#include "slab.h"

namespace grit {

void check(napi_env env, napi_status status) {
  if (status == napi_ok) return;
  const napi_extended_error_info* info = nullptr;
  napi_get_last_error_info(env, &info);
  TORCH_CHECK(false, "bad argument: ", info && info->error_message ? info->error_message : "unknown N-API failure");
}

double to_double(napi_env env, napi_value value) {
  double out = 0;
  check(env, napi_get_value_double(env, value, &out));
  return out;
}

int64_t to_int(napi_env env, napi_value value) {
  const double number = to_double(env, value);
  TORCH_CHECK(number == static_cast<double>(static_cast<int64_t>(number)), "expected an integer, got ", number);
  return static_cast<int64_t>(number);
}

bool to_bool(napi_env env, napi_value value) {
  bool out = false;
  check(env, napi_get_value_bool(env, value, &out));
  return out;
}

std::string to_string(napi_env env, napi_value value) {
  size_t length = 0;
  check(env, napi_get_value_string_utf8(env, value, nullptr, 0, &length));
  std::string out(length, '\0');
  check(env, napi_get_value_string_utf8(env, value, out.data(), length + 1, &length));
  return out;
}

bool is_nullish(napi_env env, napi_value value) {
  napi_valuetype type;
  check(env, napi_typeof(env, value, &type));
  return type == napi_undefined || type == napi_null;
}

namespace {

template <typename F>
void each(napi_env env, napi_value array, F&& visit) {
  uint32_t length = 0;
  check(env, napi_get_array_length(env, array, &length));
  for (uint32_t i = 0; i < length; i++) {
    napi_value item;
    check(env, napi_get_element(env, array, i, &item));
    visit(item);
  }
}

// A JavaScript number given where a Scalar is wanted: integral values become int64 so that integer tensors stay integer.
at::Scalar to_scalar(napi_env env, napi_value value) {
  napi_valuetype type;
  check(env, napi_typeof(env, value, &type));
  if (type == napi_boolean) return to_bool(env, value);
  const double number = to_double(env, value);
  const bool integral = std::abs(number) < 9.0e15 && number == static_cast<double>(static_cast<int64_t>(number)) &&
                        !(number == 0 && std::signbit(number));
  return integral ? at::Scalar(static_cast<int64_t>(number)) : at::Scalar(number);
}

c10::IValue to_list(napi_env env, napi_value value, const c10::Type& element) {
  switch (element.kind()) {
    case c10::TypeKind::TensorType: {
      c10::List<at::Tensor> list;
      each(env, value, [&](napi_value item) { list.push_back(tensor_at(to_int(env, item))); });
      return list;
    }
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType: {
      c10::List<int64_t> list;
      each(env, value, [&](napi_value item) { list.push_back(to_int(env, item)); });
      return list;
    }
    case c10::TypeKind::FloatType: {
      c10::List<double> list;
      each(env, value, [&](napi_value item) { list.push_back(to_double(env, item)); });
      return list;
    }
    case c10::TypeKind::BoolType: {
      c10::List<bool> list;
      each(env, value, [&](napi_value item) { list.push_back(to_bool(env, item)); });
      return list;
    }
    case c10::TypeKind::OptionalType: {
      c10::List<std::optional<at::Tensor>> list;
      each(env, value, [&](napi_value item) {
        list.push_back(is_nullish(env, item) ? std::nullopt : std::make_optional(tensor_at(to_int(env, item))));
      });
      return list;
    }
    default:
      TORCH_CHECK(false, "lists of ", element.str(), " are not supported");
  }
}

}  // namespace

std::vector<int64_t> to_ints(napi_env env, napi_value value) {
  std::vector<int64_t> out;
  each(env, value, [&](napi_value item) { out.push_back(to_int(env, item)); });
  return out;
}

napi_value from_int(napi_env env, int64_t value) {
  napi_value out;
  check(env, napi_create_int64(env, value, &out));
  return out;
}

napi_value from_string(napi_env env, const std::string& value) {
  napi_value out;
  check(env, napi_create_string_utf8(env, value.data(), value.size(), &out));
  return out;
}

c10::IValue to_ivalue(napi_env env, napi_value value, const c10::Type& type) {
  switch (type.kind()) {
    case c10::TypeKind::OptionalType:
      if (is_nullish(env, value)) return {};
      return to_ivalue(env, value, *type.containedType(0));
    case c10::TypeKind::TensorType:
      return tensor_at(to_int(env, value));
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType:
    case c10::TypeKind::ScalarTypeType:
    case c10::TypeKind::LayoutType:
    case c10::TypeKind::MemoryFormatType:
      return to_int(env, value);
    case c10::TypeKind::FloatType:
      return to_double(env, value);
    case c10::TypeKind::BoolType:
      return to_bool(env, value);
    case c10::TypeKind::NumberType:
      return to_scalar(env, value);
    case c10::TypeKind::StringType:
      return to_string(env, value);
    case c10::TypeKind::DeviceObjType:
      return c10::Device(to_string(env, value));
    case c10::TypeKind::GeneratorType:
      return generator_at(to_int(env, value));
    case c10::TypeKind::ListType: {
      bool is_array = false;
      check(env, napi_is_array(env, value, &is_array));
      TORCH_CHECK(is_array, "expected an array for ", type.str());
      return to_list(env, value, *type.containedType(0));
    }
    default:
      TORCH_CHECK(false, "arguments of type ", type.str(), " are not supported");
  }
}

napi_value from_ivalue(napi_env env, const c10::IValue& value) {
  napi_value out;
  if (value.isTensor()) return from_int(env, keep(value.toTensor()));
  if (value.isInt()) return from_int(env, value.toInt());
  if (value.isString()) return from_string(env, value.toStringRef());
  if (value.isDouble()) {
    check(env, napi_create_double(env, value.toDouble(), &out));
    return out;
  }
  if (value.isBool()) {
    check(env, napi_get_boolean(env, value.toBool(), &out));
    return out;
  }
  if (value.isNone()) {
    check(env, napi_get_undefined(env, &out));
    return out;
  }
  TORCH_CHECK(value.isList() || value.isTuple(), "results of type ", value.tagKind(), " are not supported");
  std::vector<c10::IValue> items;
  if (value.isList()) {
    for (const c10::IValue& item : value.toListRef()) items.push_back(item);
  } else {
    items = value.toTupleRef().elements().vec();
  }
  check(env, napi_create_array_with_length(env, items.size(), &out));
  for (uint32_t i = 0; i < items.size(); i++) check(env, napi_set_element(env, out, i, from_ivalue(env, items[i])));
  return out;
}

}  // namespace grit
