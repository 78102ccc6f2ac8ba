"""Every setting, validated once; the only place that reads one from the environment. What goes through proxies."""
