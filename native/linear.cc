#include "linear.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

namespace grit {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

using Bias = std::optional<at::Tensor>;
using Product = at::Tensor(const at::Tensor&, const at::Tensor&, const Bias&, std::string_view,
                           c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);

// oneDNN's product; none where libtorch was built without it.
const std::optional<c10::OperatorHandle>& one_dnn() {
  static const auto found = c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""});
  return found;
}

at::Tensor product(const at::Tensor& x, const at::Tensor& weight, const Bias& bias = std::nullopt) {
  return one_dnn()->typed<Product>().call(x, weight, bias, "none", c10::List<std::optional<at::Scalar>>(), "");
}

bool is_for_one_dnn(const at::Tensor& x, const at::Tensor& weight) {
  if (weight.is_mkldnn()) return true;
  return one_dnn() && x.is_cpu() && x.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat && x.numel() > 0;
}

// Whether oneDNN lays weights of a type out for this processor.
bool packs(at::ScalarType type) {
  if (!one_dnn() || (type != at::kFloat && type != at::kBFloat16)) return false;
  static const auto takes_halves = c10::Dispatcher::singleton()
                                       .findSchemaOrThrow("mkldnn::_is_mkldnn_bf16_supported", "")
                                       .typed<bool()>()
                                       .call();
  return type == at::kFloat || takes_halves;
}

// yᵀ x. Both are turned round for it, the second faster: let that be the wider.
at::Tensor product_of_columns(const at::Tensor& y, const at::Tensor& x) {
  if (y.size(1) > x.size(1)) return product(x.t(), y.t()).t().contiguous();
  return product(y.t(), x.t());
}

struct Linear : torch::autograd::Function<Linear> {
  // Each gradient asks for the other factor: a frozen layer keeps no input.
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, const Bias& bias) {
    context->save_for_backward(
        {weight.requires_grad() ? x : at::Tensor(), x.requires_grad() ? weight : at::Tensor()});
    context->saved_data["has_bias"] = bias.has_value();
    return product(x, weight, bias);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1];
    auto shape = gradients[0].sizes().vec();
    const auto y = gradients[0].reshape({-1, shape.back()});
    at::Tensor to_x, to_weight, to_bias;
    if (context->needs_input_grad(0)) {
      shape.back() = weight.size(1);
      to_x = product(y, weight.t()).reshape(shape);
    }
    if (context->needs_input_grad(1)) to_weight = product_of_columns(y, x.reshape({-1, x.size(-1)}));
    if (context->saved_data["has_bias"].toBool() && context->needs_input_grad(2)) to_bias = y.sum(0);
    return {to_x, to_weight, to_bias};
  }
};

}  // namespace

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
  if (!is_for_one_dnn(x, weight)) return at::linear(x, weight, bias);
  const bool differs = at::GradMode::is_enabled() &&
                       (x.requires_grad() || weight.requires_grad() || (bias && bias->requires_grad()));
  return differs ? Linear::apply(x, weight, bias) : product(x, weight, bias);
}

// The layout for 32 rows is that for two and for thousands; one row alone asks for none.
at::Tensor pack(const at::Tensor& weight) {
  if (!weight.is_cpu() || !packs(weight.scalar_type())) return weight;
  static const auto reorder = c10::Dispatcher::singleton()
                                  .findSchemaOrThrow("mkldnn::_reorder_linear_weight", "")
                                  .typed<at::Tensor(const at::Tensor&, std::optional<int64_t>)>();
  return reorder.call(weight.detach(), 32);
}

TORCH_LIBRARY_FRAGMENT(grit, library) {
  library.def("linear(Tensor x, Tensor weight, Tensor? bias=None) -> Tensor", linear);
  library.def("pack(Tensor weight) -> Tensor", pack);
}

}  // namespace grit
