# Beadhub for one user: the client on PATH, the server as a systemd user service, and what pushes and pulls need.
#   imports = [ beadhub.homeManagerModules.default ];
#   programs.beadhub.enable = true;                 # the service comes with it
{ config, lib, options, pkgs, ... }:

let
  inherit (lib) mkDefault mkEnableOption mkIf mkMerge mkOption optionalAttrs types;

  program = config.programs.beadhub;
  service = config.services.beadhub;
  federation = program.federation;
  hasSops = options ? sops;

  # A path of Nix itself would be copied into the store, which everybody on the machine can read: only texts are taken.
  secretFile = types.addCheck types.str (file: lib.hasPrefix "/" file && !(lib.hasPrefix builtins.storeDir file)) // {
    description = "absolute path, as a text, of a file outside the Nix store";
  };
  absolute = types.addCheck types.str (lib.hasPrefix "/") // { description = "absolute path, as a text"; };

  passwordFile =
    if federation.secrets.enable && hasSops
    then config.sops.secrets."beadhub/remote-password".path
    else federation.remotePasswordFile;
in
{
  options.programs.beadhub = {
    enable = mkEnableOption "Beadhub, client and server";

    package = mkOption {
      type = types.package;
      default = pkgs.beadhub;
      defaultText = "pkgs.beadhub";
      description = "The program.";
    };

    federation = {
      remoteUser = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "Who pushes and pulls: a user, or an access key of an object store (BEADHUB_REMOTE_USER).";
      };

      remotePasswordFile = mkOption {
        type = types.nullOr secretFile;
        default = null;
        description = "File that holds the password, where sops-nix does not keep it (BEADHUB_REMOTE_PASSWORD_FILE).";
      };

      secrets = {
        enable = mkEnableOption "the password from sops-nix";

        sopsFile = mkOption {
          type = types.nullOr types.path;
          default = null;
          description = "File of secrets, encrypted by sops.";
        };

        remotePasswordKey = mkOption {
          type = types.str;
          default = "beadhub_remote_password";
          description = "Key of the password in that file.";
        };
      };
    };
  };

  options.services.beadhub = {
    enable = mkEnableOption "the Beadhub server as a user service";

    package = mkOption {
      type = types.package;
      default = program.package;
      defaultText = "config.programs.beadhub.package";
      description = "The program.";
    };

    dataDir = mkOption {
      type = absolute;
      default = "${config.home.homeDirectory}/.local/share/beadhub";
      defaultText = "~/.local/share/beadhub";
      description = "Folder of the database. Absolute, so that it is the same wherever the server is started.";
    };

    host = mkOption {
      type = types.str;
      default = "127.0.0.1";
      description = "Address to listen on.";
    };

    port = mkOption {
      type = types.port;
      default = 8000;
      description = "Port to listen on.";
    };

    backupDir = mkOption {
      type = types.nullOr absolute;
      default = "${service.dataDir}/backups";
      defaultText = "backups in dataDir";
      description = "Folder of the JSONL backups; null for none.";
    };

    settings = mkOption {
      type = types.attrsOf types.str;
      default = { };
      example = { BEADHUB_LOG_LEVEL = "debug"; };
      description = "Further settings (docs/operations.md). They are readable in the store: secrets go into environmentFile.";
    };

    environmentFile = mkOption {
      type = types.nullOr secretFile;
      default = null;
      description = "File of settings that are secret, a NAME=VALUE a line.";
    };
  };

  config = mkMerge [
    (mkIf program.enable {
      services.beadhub.enable = mkDefault true;
      home.packages = [ program.package ];
      home.sessionVariables =
        optionalAttrs (federation.remoteUser != null) { BEADHUB_REMOTE_USER = federation.remoteUser; }
        // optionalAttrs (passwordFile != null) { BEADHUB_REMOTE_PASSWORD_FILE = passwordFile; };

      assertions = [
        {
          assertion = federation.secrets.enable -> hasSops;
          message = "programs.beadhub.federation.secrets needs sops-nix: import its home-manager module, "
            + "or name a file by programs.beadhub.federation.remotePasswordFile.";
        }
        {
          assertion = federation.secrets.enable -> federation.secrets.sopsFile != null;
          message = "programs.beadhub.federation.secrets.sopsFile must name the file of secrets.";
        }
        {
          assertion = federation.secrets.enable -> federation.remotePasswordFile == null;
          message = "The password of programs.beadhub.federation is either in sops-nix or in remotePasswordFile.";
        }
      ];
    })

    # The option is only there when sops-nix is; what is missing then, the first assertion says.
    (optionalAttrs hasSops {
      sops.secrets = mkIf (program.enable && federation.secrets.enable && federation.secrets.sopsFile != null) {
        "beadhub/remote-password" = {
          sopsFile = federation.secrets.sopsFile;
          key = federation.secrets.remotePasswordKey;
        };
      };
    })

    (mkIf service.enable {
      assertions = [
        {
          assertion = !(lib.any (name: lib.hasSuffix "_KEY" name || lib.hasSuffix "_SECRET" name || lib.hasSuffix "_PASSWORD" name)
            (lib.attrNames service.settings));
          message = "Secrets do not go into services.beadhub.settings, which everybody on the machine can read: use environmentFile.";
        }
      ];

      systemd.user.services.beadhub = {
        Unit.Description = "Beadhub";

        Service = {
          Type = "exec";
          Environment = lib.mapAttrsToList (name: value: "${name}=${value}") ({
            BEADHUB_DATABASE_URL = "sqlite:${service.dataDir}/beadhub.db";
            BEADHUB_HOST = service.host;
            BEADHUB_PORT = toString service.port;
            BEADHUB_LOG_JSON = "true";
          } // optionalAttrs (service.backupDir != null) { BEADHUB_BACKUP_DIR = service.backupDir; } // service.settings);
          ExecStartPre = "${pkgs.coreutils}/bin/mkdir -p -m 0700 ${service.dataDir}";
          ExecStart = "${service.package}/bin/beadhub serve";
          Restart = "on-failure";
          # A setting that holds what it may not: trying again does not help.
          RestartPreventExitStatus = 2;
          RestartSec = 5;
          TimeoutStopSec = 90;
          KillMode = "mixed";
          NoNewPrivileges = true;
          UMask = "0077";
        } // optionalAttrs (service.environmentFile != null) { EnvironmentFile = service.environmentFile; };

        Install.WantedBy = [ "default.target" ];
      };
    })
  ];
}
