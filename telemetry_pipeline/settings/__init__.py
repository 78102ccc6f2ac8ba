"""Every setting, validated once; the only reader of the environment. Addresses of servers, and what goes through proxies."""
