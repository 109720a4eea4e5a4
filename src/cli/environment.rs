//! The end of the program's help: environment variables and exit codes, as in `docs/reference.md`.

pub(super) const ENVIRONMENT: &str = "\x1b[1;4mEnvironment variables:\x1b[0m
  FROSTLINE_HOME                 folder of backbones, ONNX Runtime and caches
  FROSTLINE_ALLOW_SHARED_HOME=1  accept a home that other users can write to
  ORT_DYLIB_PATH                 the ONNX Runtime library to use; an absolute path
  AWS_…, GOOGLE_…, AZURE_…       credentials and settings of object stores
  VIRTUAL_ENV, CONDA_PREFIX      the Python environment in which ONNX Runtime is looked for
  PIP_INDEX_URL                  the package index; `setup` uses all settings of pip
  NO_COLOR                       no colours
  HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY
                                 proxies for `setup` and `models pull`
  HF_ENDPOINT                    a mirror of the Hugging Face hub, for `models pull hf:…`
  HF_TOKEN                       your token, which is sent to the hub only
  HF_HOME                        folder of the hub's cache `hub/`, which is used without network
  HF_HUB_OFFLINE=1               use the cache only

\x1b[1;4mExit codes:\x1b[0m
  0         success
  1         failure, also if no image could be used
  2         usage error: unknown, invalid or contradictory options
  3         done, but some images were skipped (with `--strict`: 1)
  4         `drift`: the drift is above `--fail-above`
  130, 143  interrupted by Ctrl-C or SIGTERM";
