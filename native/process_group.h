// The processes of one training: where they meet, and what they do together over tensors.
#pragma once
#include <ATen/ATen.h>

#include <chrono>
#include <optional>
#include <string>

namespace grit {

// Opens the store where processes meet, at an address; one of them, or who has started them, serves it. `prefix` tells this
// training's keys from those of others. Throws when it cannot be reached in time.
void open_store(const std::string& host, uint16_t port, bool serves, const std::string& prefix, std::chrono::milliseconds timeout);
void store_set(const std::string& key, const std::string& value);
// What somebody has set; nothing when nobody does in time.
std::optional<std::string> store_get(const std::string& key, std::chrono::milliseconds timeout);

// Connects the processes that have met: over NCCL where their tensors are on GPUs, else over Gloo. `local`: all are on this machine.
// `timeout` is for all that they then do together.
void join_group(int rank, int size, bool local, bool cuda, std::chrono::milliseconds timeout);
void leave_group();  // the store is closed too

// In place, on all processes in the same order.
void all_reduce(at::Tensor& tensor, const std::string& how);  // "sum" or "max"
void reduce(at::Tensor& tensor, int root);  // the sum, which only `root` then has; the others' values are spoilt
void broadcast(at::Tensor& tensor, int root);

}  // namespace grit
