# Evaluates the home-manager module beside stand-ins for home-manager's options, and answers what it sets.
#   nix-instantiate --eval --strict --json evaluate.nix --arg lib 'import PATH' --arg module PATH --arg user '{ … }' --arg sops true
{ lib, module, user, sops ? false }:

let
  any = lib.mkOption { type = lib.types.anything; default = { }; };
  pkgs = {
    beadhub = { type = "derivation"; name = "beadhub"; outPath = "/nix/store/00000000000000000000000000000000-beadhub"; };
    coreutils = "/nix/store/00000000000000000000000000000000-coreutils";
  };
  homeManager = {
    options = {
      assertions = lib.mkOption { type = lib.types.listOf lib.types.anything; default = [ ]; };
      home.homeDirectory = lib.mkOption { type = lib.types.str; default = "/home/ada"; };
      home.packages = lib.mkOption { type = lib.types.listOf lib.types.anything; default = [ ]; };
      home.sessionVariables = any;
      systemd.user.services = any;
    };
  };
  sopsNix = {
    options.sops.secrets = lib.mkOption {
      default = { };
      type = lib.types.attrsOf (lib.types.submodule ({ name, ... }: {
        options = {
          sopsFile = lib.mkOption { type = lib.types.path; };
          key = lib.mkOption { type = lib.types.str; };
          path = lib.mkOption { type = lib.types.str; default = "/run/user/1000/secrets/${name}"; };
        };
      }));
    };
  };
  evaluated = lib.evalModules {
    modules = [ homeManager module user { _module.args = { inherit pkgs; }; } ] ++ lib.optional sops sopsNix;
  };
  config = evaluated.config;
  broken = map (one: one.message) (lib.filter (one: !one.assertion) config.assertions);
in
# As home-manager does.
if broken != [ ] then throw (lib.concatStringsSep "\n" broken) else {
  variables = config.home.sessionVariables;
  packages = map (one: one.name) config.home.packages;
  units = config.systemd.user.services;
  secrets = if sops then lib.mapAttrs (name: secret: { inherit (secret) key path; }) config.sops.secrets else { };
}
