// Conversion between JavaScript values and dispatcher values, directed by an operator's own schema.
#pragma once
#define NAPI_VERSION 8
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>
#include <node_api.h>

#include <string>

namespace grit {

void check(napi_env env, napi_status status);
double to_double(napi_env env, napi_value value);
int64_t to_int(napi_env env, napi_value value);
bool to_bool(napi_env env, napi_value value);
std::string to_string(napi_env env, napi_value value);
bool is_nullish(napi_env env, napi_value value);
std::vector<int64_t> to_ints(napi_env env, napi_value value);
napi_value from_int(napi_env env, int64_t value);
napi_value from_string(napi_env env, const std::string& value);

// Tensors and generators arrive as slab handles, devices as strings ("cpu", "cuda:0"), everything else as itself.
c10::IValue to_ivalue(napi_env env, napi_value value, const c10::Type& type);

// Tensors leave as new slab handles; tuples and lists as arrays.
napi_value from_ivalue(napi_env env, const c10::IValue& value);

}  // namespace grit
