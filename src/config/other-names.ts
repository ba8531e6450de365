/**
 * @file What TRL, verl and ms-swift call the settings of a recipe, so that their users are told our names.
 * Names of verl are matched by their end: `rollout.n` is also found in `actor_rollout_ref.rollout.n`.
 */

/** One setting with its names elsewhere. */
export interface OtherNames {
  /** Our keys, the likeliest first; the first that the file can have is named. Empty: there is no such key here. */
  readonly ours: readonly string[];
  readonly theirs: readonly string[];
  /** A remark beside the key, or instead of one. */
  readonly note?: string;
}

const LENGTH = ["sampling.max_tokens", "max_tokens"];

export const OTHER_NAMES: readonly OtherNames[] = [
  {
    ours: ["model"],
    theirs: ["model_name_or_path", "model_name", "model_id", "model.path", "base_model", "pretrained"],
  },
  {
    ours: ["data.train", "sets"],
    theirs: ["dataset", "datasets", "dataset_name", "train_file", "train_files", "train_dataset", "data_path"],
    note: "a list of data files",
  },
  {
    ours: ["data.eval", "sets"],
    theirs: ["val_dataset", "eval_dataset", "val_files", "eval_files", "validation_file", "test_file"],
    note: "data files by the name of their set",
  },
  { ours: ["data.images", "images"], theirs: ["image_folder", "image_root", "image_dir", "images_dir"] },
  {
    ours: ["rewards.preset"],
    theirs: ["reward_funcs", "reward_fns", "reward_functions", "reward_function", "reward_fn", "reward_model_path"],
    note: "or rewards.custom for a module of your own",
  },
  { ours: ["rewards.custom"], theirs: ["external_plugins", "custom_reward_function", "custom_reward_function.path"] },
  { ours: ["rewards.weights"], theirs: ["reward_weights"], note: "weights by the name of the term" },
  {
    ours: ["steps"],
    theirs: ["max_steps", "num_steps", "train_steps", "training_steps", "total_training_steps", "total_steps"],
  },
  {
    ours: ["steps"],
    theirs: ["num_train_epochs", "num_epochs", "epochs", "total_epochs"],
    note: "an epoch is as many steps as samples / prompts_per_step",
  },
  {
    ours: ["prompts_per_step"],
    theirs: [
      "per_device_train_batch_size",
      "train_batch_size",
      "batch_size",
      "rollout_batch_size",
      "generation_batch_size",
    ],
    note: "prompts of a whole step, each with group_size completions",
  },
  {
    ours: ["micro_batch_tokens"],
    theirs: [
      "gradient_accumulation_steps",
      "ppo_micro_batch_size",
      "ppo_micro_batch_size_per_gpu",
      "micro_batch_size",
      "ppo_max_token_len_per_gpu",
    ],
    note: "tokens of one forward pass; gradients are accumulated over as many passes as a step takes",
  },
  {
    ours: ["loss.updates_per_rollout"],
    theirs: ["num_iterations", "ppo_epochs", "ppo_mini_batch_size", "steps_per_generation", "mu"],
    note: "updates made with one batch of completions",
  },
  {
    ours: ["group_size"],
    theirs: ["num_generations", "rollout.n", "n", "num_return_sequences", "num_samples_per_prompt", "num_rollouts"],
  },
  {
    ours: LENGTH,
    theirs: [
      "max_completion_length",
      "max_new_tokens",
      "max_response_length",
      "response_length",
      "max_length",
      "max_seq_length",
      "generation_max_length",
    ],
  },
  {
    ours: [],
    theirs: ["max_prompt_length"],
    note: "prompts are never cut; one that is too long is refused before training",
  },
  { ours: ["sampling.temperature", "temperature"], theirs: ["rollout.temperature"] },
  { ours: ["sampling.top_p"], theirs: ["rollout.top_p"] },
  { ours: ["sampling.top_k"], theirs: ["rollout.top_k"] },
  { ours: ["loss.beta"], theirs: ["kl_coef", "kl_coeff", "kl_loss_coef", "kl_beta", "kl_weight"] },
  { ours: ["loss.beta"], theirs: ["use_kl_loss", "use_kl_in_reward"], note: "0 is no KL term" },
  {
    ours: ["loss.epsilon_low"],
    theirs: ["epsilon", "clip_ratio", "clip_ratio_low", "clip_range", "cliprange", "clip_eps"],
    note: "and loss.epsilon_high above the ratio 1",
  },
  { ours: ["loss.epsilon_high"], theirs: ["clip_ratio_high"] },
  {
    ours: ["loss.normalize"],
    theirs: ["loss_type", "loss_agg_mode"],
    note: "sequence, dr_grpo or token (DAPO)",
  },
  {
    ours: ["advantage"],
    theirs: ["scale_rewards", "norm_adv_by_std_in_grpo", "whiten_rewards", "adv_estimator"],
    note: "group, batch or centered (rewards not scaled)",
  },
  { ours: ["optimizer.lr"], theirs: ["learning_rate", "optim.lr"] },
  { ours: ["optimizer.weight_decay"], theirs: ["wd", "optim.weight_decay"] },
  {
    ours: ["optimizer.betas"],
    theirs: ["adam_beta1", "adam_beta2", "adam_betas"],
    note: "both in a list: [0.9, 0.999]",
  },
  { ours: ["optimizer.eps"], theirs: ["adam_epsilon", "adam_eps"] },
  { ours: ["optimizer.clip_norm"], theirs: ["max_grad_norm", "grad_clip", "clip_grad", "gradient_clip_val"] },
  { ours: ["optimizer.warmup_steps"], theirs: ["lr_warmup_steps", "num_warmup_steps"] },
  {
    ours: ["optimizer.warmup_steps"],
    theirs: ["warmup_ratio", "lr_warmup_steps_ratio"],
    note: "a number of steps: the ratio times steps",
  },
  {
    ours: ["optimizer.schedule"],
    theirs: ["lr_scheduler_type", "lr_scheduler", "lr_schedule", "warmup_style"],
    note: "cosine or constant",
  },
  {
    ours: ["precision"],
    theirs: ["bf16", "dtype", "torch_dtype", "tf32", "mixed_precision"],
    note: "auto, bfloat16 or float32",
  },
  { ours: ["precision"], theirs: ["fp16", "half"], note: "bfloat16 or float32; float16 is not supported" },
  {
    ours: ["activation_checkpointing"],
    theirs: ["gradient_checkpointing", "enable_gradient_checkpointing", "use_gradient_checkpointing"],
  },
  { ours: ["lora.rank"], theirs: ["lora_r", "lora_rank", "r"] },
  { ours: ["lora.alpha"], theirs: ["lora_alpha"] },
  { ours: ["lora.dropout"], theirs: ["lora_dropout"] },
  { ours: ["lora.target_modules"], theirs: ["lora_target_modules", "lora_target", "modules_to_train"] },
  {
    ours: ["lora.rank"],
    theirs: ["use_peft", "use_lora", "train_type", "tuner_type"],
    note: "naming any key of lora trains an adapter",
  },
  {
    ours: ["freeze"],
    theirs: [
      "freeze_vit",
      "freeze_vision",
      "freeze_vision_tower",
      "freeze_vision_modules",
      "freeze_llm",
      "freeze_aligner",
    ],
    note: "a list of vision, connector, language, embeddings",
  },
  { ours: ["image.min_pixels"], theirs: ["min_image_pixels"] },
  { ours: ["image.max_pixels"], theirs: ["max_image_pixels", "image_max_pixels"] },
  { ours: ["image.max_tiles"], theirs: ["max_dynamic_patch", "max_num_tiles", "max_num"] },
  { ours: ["save.every"], theirs: ["save_steps", "save_freq", "save_every", "checkpoint_every"] },
  { ours: ["save.keep"], theirs: ["save_total_limit", "max_actor_ckpt_to_keep", "keep_checkpoints"] },
  { ours: ["eval.every"], theirs: ["eval_steps", "test_freq", "eval_every", "eval_freq", "eval_interval"] },
  {
    ours: ["method"],
    theirs: ["prompt_template", "system", "system_prompt", "template"],
    note: "the prompt belongs to the method",
  },
  { ours: ["device"], theirs: ["device_map", "use_cpu", "no_cuda"] },
  {
    ours: [],
    theirs: ["output_dir", "default_local_dir", "save_dir", "logging_dir", "run_name", "experiment_name"],
    note: "name the folder on the command line: --run DIR in training, else --out DIR",
  },
  {
    ours: [],
    theirs: ["resume_from_checkpoint", "resume_mode"],
    note: "a run goes on with --resume on the command line",
  },
  { ours: ["track"], theirs: ["report_to", "logger"], note: "a list: tensorboard, wandb, trackio, parquet" },
  {
    ours: [],
    theirs: ["logging_steps", "log_completions"],
    note: "every step is written to the run folder; leave it out",
  },
  {
    ours: [],
    theirs: [
      "use_vllm",
      "vllm_mode",
      "vllm_gpu_memory_utilization",
      "deepspeed",
      "attn_implementation",
      "attn_impl",
      "gpu_memory_utilization",
    ],
    note: "one engine samples and trains here; leave it out",
  },
];
