// Attention as a GPU computes it, by one kernel that never holds all scores: the CPU's own.
#include <ATen/ATen.h>
#include <ATen/native/transformers/attention.h>
#include <ATen/native/transformers/sdp_utils_cpp.h>
#include <torch/library.h>

#include "fallback.h"
#include "views.h"

namespace mirror {
namespace {

using MaybeTensor = std::optional<at::Tensor>;

MaybeTensor to_cpu(Views& views, const MaybeTensor& mask) {
  return mask && mask->defined() ? MaybeTensor(views.to_cpu(*mask)) : std::nullopt;
}

// One kernel where the CPU has one, else the products and the softmax one by one.
int64_t choose(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const MaybeTensor& mask, double dropout,
               bool causal, std::optional<double> scale, bool gqa) {
  if (mask && mask->defined())
    TORCH_CHECK(mask->device() == q.device(), "mirror: the mask of attention is on ", mask->device(),
                ", its queries on ", q.device());
  Views views;
  at::AutoDispatchBelowADInplaceOrView below;
  const auto cpu = static_cast<sdp::SDPBackend>(at::_fused_sdp_choice(
      views.to_cpu(q), views.to_cpu(k), views.to_cpu(v), to_cpu(views, mask), dropout, causal, scale, gqa));
  const bool fused = cpu == sdp::SDPBackend::flash_attention;
  return static_cast<int64_t>(fused ? sdp::SDPBackend::overrideable : sdp::SDPBackend::math);
}

using Attended = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, c10::SymInt, c10::SymInt, at::Tensor,
                            at::Tensor, at::Tensor>;

Attended attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const MaybeTensor& mask, double dropout,
                bool causal, bool, std::optional<double> scale) {
  enter("_scaled_dot_product_fused_attention_overrideable");
  at::AutoDispatchBelowADInplaceOrView below;
  Views views;
  const auto [out, sums] = at::_scaled_dot_product_flash_attention_for_cpu(
      views.to_cpu(q), views.to_cpu(k), views.to_cpu(v), dropout, causal, to_cpu(views, mask), scale);
  const auto back = [&](const at::Tensor& x) { return views.to_mirror(x, q.device()); };
  return {back(out), back(sums), {}, {}, q.size(2), k.size(2), {}, {}, {}};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> attend_backward(
    const at::Tensor& gradient, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& mask,
    std::array<bool, 4>, const at::Tensor& out, const at::Tensor& sums, const at::Tensor&, const at::Tensor&,
    c10::SymInt, c10::SymInt, double dropout, bool causal, const at::Tensor&, const at::Tensor&,
    std::optional<double> scale) {
  enter("_scaled_dot_product_fused_attention_overrideable_backward");
  at::AutoDispatchBelowADInplaceOrView below;
  Views views;
  const auto [dq, dk, dv] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
      views.to_cpu(gradient), views.to_cpu(q), views.to_cpu(k), views.to_cpu(v), views.to_cpu(out), views.to_cpu(sums),
      dropout, causal, to_cpu(views, mask), scale);
  const auto back = [&](const at::Tensor& x) { return views.to_mirror(x, q.device()); };
  return {back(dq), back(dk), back(dv), {}};
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("_scaled_dot_product_fused_attention_overrideable", &attend);
  library.impl("_scaled_dot_product_fused_attention_overrideable_backward", &attend_backward);
}

}  // namespace

// The macro below registers from another namespace.
const auto attention_choice = &choose;

}  // namespace mirror

namespace at::native {
REGISTER_PRIVATEUSE1_DISPATCH(_fused_sdp_choice_stub, mirror::attention_choice)
}
